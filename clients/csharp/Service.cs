using System;
using System.Collections.Generic;
using System.Text;

namespace LicenseSessions
{
    /// <summary>The service as one session sees it.</summary>
    internal sealed class Service
    {
        internal readonly SessionSettings Settings;
        internal readonly IRuntime Runtime;

        internal Service(SessionSettings settings, IRuntime runtime)
        {
            Settings = settings;
            Runtime = runtime;
        }

        /// <summary>Posts a body. Returns by the given time, and never throws.</summary>
        /// <param name="path">below the service's address</param>
        /// <param name="body">an object of JSON</param>
        /// <param name="until">when to give up</param>
        internal Exchange Exchange(string path, Dictionary<string, object> body, Func<double> until)
        {
            return Runtime.Exchange(path, Encoding.UTF8.GetBytes(Json.Write(body)), until);
        }

        /// <summary>Releases a session, or some of its symbols, with retries. Never throws.</summary>
        internal ReleaseOutcome Release(Dictionary<string, object> body, double requestTimeoutMs, double heartbeatIntervalMs, double untilMs)
        {
            for (int failures = 1; ; failures++)
            {
                double giveUpMs = Math.Min(Runtime.NowMs + requestTimeoutMs, untilMs);
                ReleaseOutcome? outcome = Answers.ReadRelease(Exchange(Caller.ReleasePath, body, () => giveUpMs));
                if (outcome.HasValue) return outcome.Value;
                double againMs = Runtime.NowMs + Timing.RetryDelayMs(failures, heartbeatIntervalMs, Runtime.Random());
                if (againMs >= untilMs) return ReleaseOutcome.Unconfirmed;
                Runtime.Pause(() => againMs);
            }
        }
    }
}
