using System;
using System.Collections.Generic;
using System.Text;

namespace LicenseSessions
{
    /// <summary>The service as one session sees it.</summary>
    internal sealed class Service
    {
        /// <summary>Functions fail if their clock is off by 2 s, dates are in whole seconds, and clocks drift.</summary>
        private const double CreatedToleranceMs = 6000;

        internal readonly SessionSettings Settings;
        internal readonly IRuntime Runtime;
        private readonly object _lock = new object();
        /// <summary>The lead of the service's clock over ours: its least and greatest value.</summary>
        private double _leastLeadMs = double.NegativeInfinity;
        private double _greatestLeadMs = double.PositiveInfinity;

        internal Service(SessionSettings settings, IRuntime runtime)
        {
            Settings = settings;
            Runtime = runtime;
        }

        /// <summary>
        /// Posts a body. Returns by the given time, and never throws. With pinned keys, an answer that is not
        /// signed for this request counts as no answer.
        /// </summary>
        /// <param name="path">below the service's address</param>
        /// <param name="body">an object of JSON</param>
        /// <param name="until">when to give up</param>
        internal Exchange Exchange(string path, Dictionary<string, object> body, Func<double> until)
        {
            if (Settings.PinnedKeys == null) return Runtime.Exchange(path, BytesOf(body), until);
            string nonce = Runtime.RandomId();
            var signed = new Dictionary<string, object>(body) { { "nonce", nonce } };
            byte[] bytes = BytesOf(signed);
            double sentMs = Runtime.NowMs;
            Exchange exchange = Runtime.Exchange(path, bytes, until);
            if (exchange.Problem != null) return exchange;
            string problem = ProblemOf(exchange, new AskedRequest { Path = new Uri(Settings.Url, path).AbsolutePath, Body = bytes, Nonce = nonce }, sentMs);
            return problem == null ? exchange : new Exchange(problem, new InvalidOperationException("HTTP " + exchange.Status));
        }

        private string ProblemOf(Exchange exchange, AskedRequest asked, double sentMs)
        {
            double receivedMs = Runtime.NowMs;
            // Several symbols may be released while a heartbeat is under way.
            lock (_lock)
            {
                asked.EarliestSeconds = (sentMs + _leastLeadMs - CreatedToleranceMs) / 1000;
                asked.LatestSeconds = (receivedMs + _greatestLeadMs + CreatedToleranceMs) / 1000;
                long? created;
                string problem = Settings.PinnedKeys.Problem(exchange, asked, out created);
                // Updated by every signed answer, even one at a wrong time: clocks drift, and stand still in a paused
                // machine. An internal_error is ignored: the function's clock may be its cause.
                if (created.HasValue && Answers.CodeOf(exchange) != "internal_error")
                {
                    _leastLeadMs = created.Value * 1000.0 - receivedMs;
                    _greatestLeadMs = created.Value * 1000.0 - sentMs;
                }
                return problem;
            }
        }

        private static byte[] BytesOf(Dictionary<string, object> body)
        {
            return Encoding.UTF8.GetBytes(Json.Write(body));
        }

        /// <summary>Releases a session, or some of its symbols, with retries. Never throws.</summary>
        internal ReleaseOutcome Release(Dictionary<string, object> body, double requestTimeoutMs, double heartbeatIntervalMs, double untilMs)
        {
            for (int failures = 1; ; failures++)
            {
                double giveUpMs = Math.Min(Runtime.NowMs + requestTimeoutMs, untilMs);
                Exchange exchange = Exchange(Caller.ReleasePath, body, () => giveUpMs);
                ReleaseOutcome? outcome = Answers.ReadRelease(exchange);
                if (outcome.HasValue) return outcome.Value;
                if (exchange.CantPass) return ReleaseOutcome.Unconfirmed;
                double againMs = Runtime.NowMs + Timing.RetryDelayMs(failures, heartbeatIntervalMs, Runtime.Random());
                if (againMs >= untilMs) return ReleaseOutcome.Unconfirmed;
                Runtime.Pause(() => againMs);
            }
        }
    }
}
