using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using LicenseSessions;

/// <summary>What all clients make of the same answers and figures: the tables of clients/vectors.</summary>
internal static class Vectors
{
    [Cases]
    internal static IEnumerable<Case> Timings()
    {
        object vectors = Program.ReadJson("clients/vectors/timing.json");
        foreach (object vector in vectors.List("timings"))
        {
            yield return new Case("timing: " + vector.Text("guarantee"), () => CheckTiming(vector));
        }
        foreach (object vector in vectors.List("heartbeatDelays"))
        {
            yield return Same("a heartbeat's delay", vector, "delayMs", Timing.HeartbeatDelayMs(vector.Number("intervalMs"), vector.Number("random")));
        }
        foreach (object vector in vectors.List("retryDelays"))
        {
            yield return Same("a retry's delay", vector, "delayMs", Timing.RetryDelayMs((int)vector.Number("failures"), vector.Number("intervalMs"), vector.Number("random")));
        }
        foreach (object vector in vectors.List("attemptTimeouts"))
        {
            yield return Same("an attempt's time", vector, "timeoutMs", Timing.AttemptTimeoutMs(vector.Number("requestTimeoutMs"), (int)vector.Number("unanswered")));
        }
        foreach (object vector in vectors.List("pollDelays"))
        {
            yield return Same("a waiting opening", vector, "delayMs", Timing.PollDelayMs(vector.Get("waitSeconds") as double?, vector.Number("random")));
        }
        foreach (object vector in vectors.List("retryInstants"))
        {
            yield return Same("a retry", vector, "atMs", Timing.RetryAtMs(
                vector.Number("nowMs"), vector.Number("delayMs"), vector.Get("retryAfterMs") as double?, vector.Number("endsMs"), vector.Number("requestTimeoutMs")));
        }
    }

    [Cases]
    internal static IEnumerable<Case> AllAnswers()
    {
        foreach (object vector in (List<object>)Program.ReadJson("clients/vectors/answers.json"))
        {
            string name = "answer to a " + vector.Text("ask") + ", " + vector.Number("status") + ": " + vector.Text("guarantee");
            yield return new Case(name, () => CheckAnswer(vector));
        }
    }

    private static Case Same(string what, object vector, string name, double actual)
    {
        return new Case(what + ": " + (vector.Text("guarantee") ?? Json.Write(vector)), () => Expect.Same(vector.Number(name), actual));
    }

    private static void CheckTiming(object vector)
    {
        var lease = new Lease(vector.Number("sessionTimeoutMs"), vector.Number("namedIntervalMs"), vector.Number("heldForMs"));
        var timing = new Timing(lease, vector.Get("marginMs") as double?, vector.Number("requestTimeoutMs"));
        Expect.Same(vector.Get("timing"), new Dictionary<string, object>
        {
            { "rightMs", timing.RightMs },
            { "heartbeatIntervalMs", timing.HeartbeatIntervalMs },
            { "requestTimeoutMs", timing.RequestTimeoutMs },
            { "longestRequestMs", timing.LongestRequestMs },
            { "askWithinMs", timing.AskWithinMs },
            { "oversleptAfterMs", timing.OversleptAfterMs },
            { "clocksPartedAfterMs", timing.ClocksPartedAfterMs },
            { "reportWithinMs", timing.ReportWithinMs },
        });
    }

    private static void CheckAnswer(object vector)
    {
        string text = vector.Text("text") ?? Json.Write(vector.Get("body"));
        var headers = new Dictionary<string, string>();
        if (vector.Has("headers"))
        {
            foreach (KeyValuePair<string, object> header in vector.Get("headers").Object()) headers[header.Key] = (string)header.Value;
        }
        var answer = new Exchange((int)vector.Number("status"), Encoding.UTF8.GetBytes(text), headers);
        Expect.Same(vector.Get("means"), MeaningOf(vector.Text("ask"), answer));
    }

    private static Dictionary<string, object> MeaningOf(string ask, Exchange answer)
    {
        if (ask == "release")
        {
            ReleaseOutcome? outcome = Answers.ReadRelease(answer);
            string said = outcome == null ? null : Scenarios.InShort(outcome.Value);
            return new Dictionary<string, object> { { "is", said } };
        }
        Outcome read = ask == "claim" ? Answers.ReadClaim(answer) : Answers.ReadHeartbeat(answer);
        var granted = read as Granted;
        if (granted != null)
        {
            return new Dictionary<string, object>
            {
                { "is", "granted" }, { "sessionId", granted.SessionId }, { "fencingToken", granted.FencingToken },
                { "sessionTimeoutMs", granted.Lease.SessionTimeoutMs }, { "heartbeatIntervalMs", granted.Lease.HeartbeatIntervalMs },
                { "heldForMs", granted.Lease.HeldForMs }, { "license", LicenseOf(granted.License) },
            };
        }
        var recorded = read as Recorded;
        if (recorded != null)
        {
            var meaning = new Dictionary<string, object>
            {
                { "is", "recorded" }, { "sessionTimeoutMs", recorded.SessionTimeoutMs }, { "heldForMs", recorded.HeldForMs }, { "license", LicenseOf(recorded.License) },
            };
            if (recorded.Asked != null) meaning["releaseRequest"] = RequestOf(recorded.Asked);
            return meaning;
        }
        var available = read as Available;
        if (available != null) return new Dictionary<string, object> { { "is", "available" }, { "license", LicenseOf(available.License) } };
        var ended = read as EndedOutcome;
        if (ended != null)
        {
            return new Dictionary<string, object>
            {
                { "is", "ended" }, { "reason", Scenarios.Lower(ended.End.Reason.ToString()) }, { "code", ended.End.Code }, { "activeDevice", ended.End.ActiveDevice },
            };
        }
        var part = read as PartLost;
        if (part != null)
        {
            var meaning = new Dictionary<string, object>
            {
                { "is", "part_lost" },
                { "held", part.Held },
                { "lost", part.Lost.Select(loss => Known(new Dictionary<string, object> { { "symbol", loss.Symbol }, { "code", loss.Code }, { "activeDevice", loss.ActiveDevice } })) },
                { "lease", part.Recorded == null ? null : new Dictionary<string, object> { { "sessionTimeoutMs", part.Recorded.SessionTimeoutMs }, { "heldForMs", part.Recorded.HeldForMs } } },
            };
            if (part.Recorded != null && part.Recorded.Asked != null) meaning["releaseRequest"] = RequestOf(part.Recorded.Asked);
            return meaning;
        }
        var unreadable = read as Unreadable;
        if (unreadable != null) return new Dictionary<string, object> { { "is", "unreadable" }, { "problem", unreadable.Problem } };
        var trouble = read as Trouble;
        if (trouble != null)
        {
            return new Dictionary<string, object>
            {
                { "is", "trouble" }, { "problem", trouble.Problem }, { "status", trouble.Status }, { "requestId", trouble.RequestId }, { "retryAfterMs", trouble.RetryAfterMs },
            };
        }
        return RefusalOf(((Refused)read).Error);
    }

    private static Dictionary<string, object> RefusalOf(LicenseSessionException error)
    {
        var meaning = new Dictionary<string, object>
        {
            { "is", error.GetType().Name.Replace("Exception", "") }, { "code", error.Code }, { "status", error.Status }, { "requestId", error.RequestId },
        };
        // It names the option by which each language takes the URL.
        if (!(error is ServiceNotFoundException)) meaning["message"] = error.Message;
        var unreadable = error as RequestUnreadableException;
        if (unreadable != null) meaning["field"] = unreadable.Field;
        var refused = error as SessionRefusedException;
        if (refused == null) return meaning;
        meaning["activeDevice"] = null;
        meaning["waitSeconds"] = null;
        foreach (KeyValuePair<string, object> fact in FactsOf(refused)) meaning[fact.Key] = fact.Value;
        return meaning;
    }

    /// <summary>What a refusal says about who is in the way; what is not known is left out.</summary>
    internal static Dictionary<string, object> FactsOf(SessionRefusedException refused)
    {
        return Known(new Dictionary<string, object>
        {
            { "activeDevice", refused.ActiveDevice }, { "waitSeconds", refused.WaitSeconds },
            { "holderAsked", refused.HolderAsked }, { "holderTold", refused.HolderTold }, { "holderKeeps", refused.HolderKeeps },
            { "heldByThisDevice", refused.HeldByThisDevice ? true : (bool?)null },
            { "holder", HolderOf(refused.Holder) },
            { "blocked", refused.Blocked.Count == 0 ? null : refused.Blocked.Select(BlockedOf).ToList() },
        });
    }

    private static object HolderOf(SessionHolder holder)
    {
        if (holder == null) return null;
        return Known(new Dictionary<string, object>
        {
            { "device", holder.Device }, { "sinceSeconds", holder.SinceSeconds }, { "lastHeartbeatSecondsAgo", holder.LastHeartbeatSecondsAgo }, { "status", holder.Status },
        });
    }

    private static object BlockedOf(BlockedSymbol blocked)
    {
        return Known(new Dictionary<string, object>
        {
            { "symbol", blocked.Symbol }, { "holder", HolderOf(blocked.Holder) }, { "activeDevice", blocked.ActiveDevice }, { "waitSeconds", blocked.WaitSeconds },
            { "heldByThisDevice", blocked.HeldByThisDevice ? true : (bool?)null },
            { "holderAsked", blocked.HolderAsked }, { "holderTold", blocked.HolderTold }, { "holderKeeps", blocked.HolderKeeps },
        });
    }

    private static object RequestOf(ReleaseRequest asked)
    {
        return Known(new Dictionary<string, object>
        {
            { "device", asked.Device }, { "secondsAgo", asked.SecondsAgo }, { "symbols", asked.Symbols.Count == 0 ? null : asked.Symbols },
        });
    }

    private static Dictionary<string, object> LicenseOf(License license)
    {
        return new Dictionary<string, object>
        {
            { "type", license.Type },
            { "expiresAt", license.ExpiresAt.HasValue ? license.ExpiresAt.Value.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'") : null },
            { "activeSymbols", license.ActiveSymbols },
        };
    }

    private static Dictionary<string, object> Known(Dictionary<string, object> facts)
    {
        return facts.Where(fact => fact.Value != null).ToDictionary(fact => fact.Key, fact => fact.Value);
    }
}
