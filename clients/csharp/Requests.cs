using System.Collections.Generic;
using System.Threading;

namespace LicenseSessions
{
    /// <summary>Who asks, for what, and how: what stays the same in all requests of an opening.</summary>
    internal sealed class Caller
    {
        internal const string ClaimPath = "api/validate-license";
        internal const string HeartbeatPath = "api/heartbeat";
        internal const string ReleasePath = "api/session/release";

        internal string LicenseKey;
        internal string DeviceFingerprint;
        internal string Symbol;
        /// <summary>The symbols of a session of several; <c>null</c> for any other.</summary>
        internal IReadOnlyList<string> Symbols;
        internal bool OnlyIfFree;
        internal bool AskHolder;

        /// <param name="name">of the opening</param>
        /// <param name="asksHolder">whether to ask the holder to release the session</param>
        internal Dictionary<string, object> ClaimBody(ClaimName name, bool asksHolder)
        {
            Dictionary<string, object> body = NamedBody(name);
            if (OnlyIfFree) body["only_if_free"] = true;
            if (asksHolder) body["ask_holder"] = true;
            return body;
        }

        /// <summary>A check names itself like a claim, because the service judges it as that claim would be.</summary>
        internal Dictionary<string, object> CheckBody(ClaimName name)
        {
            Dictionary<string, object> body = ClaimBody(name, false);
            body["check_only"] = true;
            return body;
        }

        /// <summary>Renews or releases symbols of a session.</summary>
        /// <param name="sessionId">of the grant</param>
        /// <param name="symbols">those that are still held, or those to release</param>
        internal Dictionary<string, object> SessionBody(string sessionId, IReadOnlyList<string> symbols)
        {
            Dictionary<string, object> body = Body(symbols);
            body["session_id"] = sessionId;
            return body;
        }

        /// <summary>Releases what an opening was granted, even if no answer ever said so.</summary>
        /// <param name="name">of the opening</param>
        internal Dictionary<string, object> NamedBody(ClaimName name)
        {
            Dictionary<string, object> body = Body(Symbols);
            body["run_id"] = name.RunId;
            body["claim_number"] = name.Number;
            return body;
        }

        private Dictionary<string, object> Body(IReadOnlyList<string> symbols)
        {
            var body = new Dictionary<string, object>();
            body["license_key"] = LicenseKey;
            body["device_fingerprint"] = DeviceFingerprint;
            if (Symbols != null) body["symbols"] = symbols;
            else if (Symbol != null) body["symbol"] = Symbol;
            return body;
        }
    }

    /// <summary>The name of an opening: one run per process, numbered from 1. All its attempts share it.</summary>
    internal sealed class ClaimName
    {
        /// <summary>New at each start of the process, and kept in its memory only.</summary>
        private static readonly string ThisRun = Ids.New();

        private static long _claims;

        internal readonly string RunId;
        internal readonly long Number;

        internal ClaimName(string runId, long number)
        {
            RunId = runId;
            Number = number;
        }

        internal static ClaimName Next()
        {
            return new ClaimName(ThisRun, Interlocked.Increment(ref _claims));
        }
    }
}
