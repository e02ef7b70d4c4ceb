using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace LicenseSessions
{
    /// <summary>What an answer means for the session.</summary>
    internal abstract class Outcome
    {
    }

    internal sealed class Granted : Outcome
    {
        internal string SessionId;
        internal long FencingToken;
        internal Lease Lease;
        internal License License;
    }

    internal sealed class Available : Outcome
    {
        internal License License;
    }

    internal sealed class Refused : Outcome
    {
        internal LicenseSessionException Error;
    }

    internal sealed class Recorded : Outcome
    {
        internal double SessionTimeoutMs;
        internal double HeldForMs;
        /// <summary><c>null</c> if the answer says nothing of it.</summary>
        internal License License;
        internal ReleaseRequest Asked;
    }

    /// <summary>Of several symbols, some are lost.</summary>
    internal sealed class PartLost : Outcome
    {
        internal IReadOnlyList<string> Held;
        internal IReadOnlyList<SymbolLoss> Lost;
        /// <summary>What the others are confirmed with; <c>null</c> if that can't be read.</summary>
        internal Recorded Recorded;
        internal Trouble Trouble;
    }

    internal sealed class EndedOutcome : Outcome
    {
        internal SessionEnd End;
    }

    internal sealed class Unreadable : Outcome
    {
        internal string Problem;
    }

    /// <summary>The state of the session is unknown: the request may or may not have been carried out.</summary>
    internal sealed class Trouble : Outcome
    {
        internal string Problem;
        internal int? Status;
        internal string RequestId;
        internal Exception Cause;
        internal bool CantPass;
        /// <summary>How long to wait before the next request, if the answer says so.</summary>
        internal double? RetryAfterMs;
    }

    /// <summary>
    /// Interprets the service's answers. Only <c>code</c> counts: a proxy's 200 grants nothing, and a
    /// firewall's 403 ends nothing.
    /// </summary>
    internal static class Answers
    {
        /// <summary>Of a claim, or of a check whether one would be granted.</summary>
        internal static Outcome ReadClaim(Exchange exchange)
        {
            if (exchange.Problem != null) return Troubled(exchange);
            var fields = new Fields(exchange);
            string message = fields.Text("message") ?? fields.Code;
            if (LicenseEnds(fields.Code)) return Refusal(exchange, fields, new LicenseRefusedException(fields.Code, message));
            switch (fields.Code)
            {
                case "granted":
                    return GrantedOf(exchange, fields) ?? (Outcome)Troubled(exchange);
                case "available":
                    if (exchange.Status != 200) return Troubled(exchange);
                    return new Available { License = fields.License("expiry_date") };
                case "session_conflict":
                case "session_limit":
                case "claim_late":
                case "session_ended":
                    return Refusal(exchange, fields, SessionRefusedOf(fields, message));
                case "bad_request":
                    return Refusal(exchange, fields, new RequestUnreadableException(message) { Field = fields.Text("field") });
                case null:
                    if (exchange.Status != 404) return Troubled(exchange);
                    // A gateway or web server that does not know the route. A retry would not help.
                    return Refusal(exchange, fields, new ServiceNotFoundException(
                        "The server has no /" + Caller.ClaimPath + " (HTTP 404): check SessionOptions.Url"));
                default:
                    return Troubled(exchange);
            }
        }

        /// <summary>
        /// Of a heartbeat. <c>heartbeat_late</c> is trouble like any other: it neither confirms nor ends
        /// anything.
        /// </summary>
        internal static Outcome ReadHeartbeat(Exchange exchange)
        {
            if (exchange.Problem != null) return Troubled(exchange);
            var fields = new Fields(exchange);
            if (fields.Code == "recorded")
            {
                return (exchange.Status == 200 ? RecordedOf(fields, fields.License("license_expiration")) : null) ?? (Outcome)Troubled(exchange);
            }
            if (LicenseEnds(fields.Code)) return Ended(EndReason.LicenseEnded, fields);
            switch (fields.Code)
            {
                case "session_taken":
                case "session_replaced":
                case "session_ended":
                case "session_not_found":
                    IReadOnlyList<string> held = fields.Texts("symbols_held");
                    if (held.Count > 0)
                    {
                        return new PartLost { Held = held, Lost = fields.Lost(), Recorded = RecordedOf(fields, null), Trouble = Troubled(exchange) };
                    }
                    return Ended(fields.Code == "session_not_found" ? EndReason.Lost : EndReason.Taken, fields);
                case "bad_request":
                    return new Unreadable { Problem = ("bad_request " + fields.Text("field")).TrimEnd() };
                default:
                    // A proxy or gateway on the way may take less than the service.
                    if (fields.Code == null && exchange.Status == 413) return new Unreadable { Problem = "HTTP 413" };
                    return Troubled(exchange);
            }
        }

        /// <summary>Of a release; <c>null</c> if the answer does not say what became of it.</summary>
        internal static ReleaseOutcome? ReadRelease(Exchange exchange)
        {
            if (exchange.Problem != null || exchange.Status != 200) return null;
            switch (new Fields(exchange).Code)
            {
                case "released": return ReleaseOutcome.Released;
                case "not_held": return ReleaseOutcome.NotHeld;
                case "left_to_lapse": return ReleaseOutcome.LeftToLapse;
                default: return null;
            }
        }

        internal static string CodeOf(Exchange answer)
        {
            return new Fields(answer).Code;
        }

        private static Granted GrantedOf(Exchange exchange, Fields fields)
        {
            string sessionId = fields.Text("session_id");
            double? token = fields.Number("fencing_token");
            double? timeoutMs = fields.TimeoutMs();
            double? heldForMs = timeoutMs.HasValue ? fields.HeldForMs(timeoutMs.Value) : null;
            double? intervalMs = timeoutMs.HasValue ? fields.IntervalMs(timeoutMs.Value) : null;
            if (exchange.Status != 200 || string.IsNullOrEmpty(sessionId) || token == null || token != Math.Floor(token.Value)) return null;
            if (timeoutMs == null || heldForMs == null || intervalMs == null) return null;
            return new Granted
            {
                SessionId = sessionId,
                FencingToken = (long)token.Value,
                Lease = new Lease(timeoutMs.Value, intervalMs.Value, heldForMs.Value),
                License = fields.License("expiry_date"),
            };
        }

        /// <summary><c>null</c> if the answer does not say for how long, which renews nothing.</summary>
        private static Recorded RecordedOf(Fields fields, License license)
        {
            double? timeoutMs = fields.TimeoutMs();
            double? heldForMs = timeoutMs.HasValue ? fields.HeldForMs(timeoutMs.Value) : null;
            if (heldForMs == null) return null;
            return new Recorded
            {
                SessionTimeoutMs = timeoutMs.Value,
                HeldForMs = heldForMs.Value,
                License = license,
                Asked = fields.Asked(),
            };
        }

        private static SessionRefusedException SessionRefusedOf(Fields fields, string message)
        {
            return new SessionRefusedException(fields.Code, message)
            {
                ActiveDevice = fields.Text("active_device"),
                WaitSeconds = fields.Number("estimated_wait_seconds"),
                Blocked = fields.Blocked(),
                Holder = fields.Holder(),
                HeldByThisDevice = fields.Flag("held_by_this_device") == true,
                HolderAsked = fields.Flag("holder_asked"),
                HolderTold = fields.Flag("holder_told"),
                HolderKeeps = fields.Flag("holder_keeps"),
            };
        }

        private static Refused Refusal(Exchange exchange, Fields fields, LicenseSessionException error)
        {
            error.Status = exchange.Status;
            error.RequestId = fields.RequestId;
            return new Refused { Error = error };
        }

        private static EndedOutcome Ended(EndReason reason, Fields fields)
        {
            string device = reason == EndReason.Taken ? fields.Text("active_device") : null;
            return new EndedOutcome { End = new SessionEnd(reason, fields.Code, device) };
        }

        private static bool LicenseEnds(string code)
        {
            return code == "license_unknown" || code == "license_suspended" || code == "license_cancelled" || code == "license_expired";
        }

        private static Trouble Troubled(Exchange exchange)
        {
            if (exchange.Problem != null)
            {
                return new Trouble { Problem = exchange.Problem, Cause = exchange.Cause, CantPass = exchange.CantPass };
            }
            var fields = new Fields(exchange);
            return new Trouble
            {
                Problem = fields.Code ?? "HTTP " + exchange.Status,
                Status = exchange.Status,
                RequestId = fields.RequestId,
                RetryAfterMs = RetryAfterMs(exchange),
            };
        }

        /// <summary>Reads only the form in seconds. A date would depend on two wall clocks that may be wrong.</summary>
        private static double? RetryAfterMs(Exchange exchange)
        {
            string value;
            if (!exchange.Headers.TryGetValue("retry-after", out value)) return null;
            value = value.Trim();
            bool isSeconds = value.Length >= 1 && value.Length <= 6 && value.All(c => c >= '0' && c <= '9');
            return isSeconds ? int.Parse(value, CultureInfo.InvariantCulture) * 1000.0 : (double?)null;
        }

        /// <summary>The members of an object that have the expected type.</summary>
        private sealed class Fields
        {
            internal readonly string Code;
            internal readonly string RequestId;
            private readonly Dictionary<string, object> _members;

            internal Fields(Exchange answer)
            {
                _members = ObjectOf(answer.Body);
                Code = Text("code");
                string header;
                answer.Headers.TryGetValue("apigw-requestid", out header);
                RequestId = Text("request_id") ?? header;
            }

            private Fields(object members)
            {
                _members = members as Dictionary<string, object> ?? new Dictionary<string, object>();
                Code = Text("code");
            }

            internal bool Has(string name)
            {
                object value;
                return _members.TryGetValue(name, out value) && value != null;
            }

            internal string Text(string name)
            {
                object value;
                _members.TryGetValue(name, out value);
                return value as string;
            }

            internal bool? Flag(string name)
            {
                object value;
                _members.TryGetValue(name, out value);
                return value as bool?;
            }

            internal double? Number(string name)
            {
                object value;
                _members.TryGetValue(name, out value);
                if (!(value is double)) return null;
                double number = (double)value;
                return number >= 0 && number < 9007199254740992 ? number : (double?)null;
            }

            internal IReadOnlyList<string> Texts(string name)
            {
                return List(name).OfType<string>().ToArray();
            }

            /// <summary>From 1 s to a day. Nothing else is a timeout of this service.</summary>
            internal double? TimeoutMs()
            {
                double? ms = Number("session_timeout_seconds") * 1000;
                return ms >= 1000 && ms <= 86400 * 1000.0 ? ms : null;
            }

            /// <summary>From a tenth to a half of the timeout, and at least 0.2 s; by default a third of it.</summary>
            internal double? IntervalMs(double timeoutMs)
            {
                if (!Has("heartbeat_interval_seconds")) return timeoutMs / 3;
                double? ms = Number("heartbeat_interval_seconds") * 1000;
                return ms >= Math.Max(200, timeoutMs / 10) && ms <= timeoutMs / 2 ? ms : null;
            }

            internal double? HeldForMs(double timeoutMs)
            {
                double? ms = Number("held_for_seconds") * 1000;
                return ms > 0 && ms <= timeoutMs ? ms : null;
            }

            internal License License(string expiryField)
            {
                return new License(Text("license_type"), InstantOf(Text(expiryField)), Texts("active_symbols"));
            }

            internal SessionHolder Holder()
            {
                if (!Has("holder")) return null;
                var holder = new Fields(_members["holder"]);
                if (holder.Text("device") == null) return null;
                return new SessionHolder(
                    holder.Text("device"),
                    holder.Number("since_seconds"),
                    holder.Number("last_heartbeat_seconds_ago"),
                    holder.Text("status"));
            }

            internal IReadOnlyList<BlockedSymbol> Blocked()
            {
                return List("blocked").Select(one => new Fields(one)).Where(one => one.Text("symbol") != null).Select(one => new BlockedSymbol
                {
                    Symbol = one.Text("symbol"),
                    ActiveDevice = one.Text("active_device"),
                    WaitSeconds = one.Number("estimated_wait_seconds"),
                    Holder = one.Holder(),
                    HeldByThisDevice = one.Flag("held_by_this_device") == true,
                    HolderAsked = one.Flag("holder_asked"),
                    HolderTold = one.Flag("holder_told"),
                    HolderKeeps = one.Flag("holder_keeps"),
                }).ToArray();
            }

            internal IReadOnlyList<SymbolLoss> Lost()
            {
                return List("symbols_lost").Select(one => new Fields(one)).Where(one => one.Text("symbol") != null)
                    .Select(one => new SymbolLoss(one.Text("symbol"), LossCode(one.Code), one.Text("active_device"))).ToArray();
            }

            private static string LossCode(string code)
            {
                return code == "session_taken" || code == "session_replaced" || code == "session_ended" ? code : "session_not_found";
            }

            internal ReleaseRequest Asked()
            {
                string device = Text("release_asked_by");
                if (device == null) return null;
                return new ReleaseRequest(device, Number("release_asked_seconds_ago") ?? 0, Texts("release_asked_symbols"));
            }

            private IEnumerable<object> List(string name)
            {
                object value;
                _members.TryGetValue(name, out value);
                return value as List<object> ?? Enumerable.Empty<object>();
            }

            private static Dictionary<string, object> ObjectOf(byte[] body)
            {
                try
                {
                    var members = Json.Parse(Encoding.UTF8.GetString(body)) as Dictionary<string, object>;
                    return members ?? new Dictionary<string, object>();
                }
                catch (FormatException)
                {
                    return new Dictionary<string, object>();
                }
            }

            private static DateTime? InstantOf(string iso)
            {
                DateTime instant;
                const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
                return DateTime.TryParse(iso, CultureInfo.InvariantCulture, Utc, out instant) ? instant : (DateTime?)null;
            }
        }
    }
}
