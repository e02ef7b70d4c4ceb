using System;
using System.Threading;

namespace LicenseSessions
{
    /// <summary>Asks whether a session could be opened.</summary>
    internal static class Checking
    {
        /// <exception cref="LicenseSessionException">The license is refused, or nothing is known.</exception>
        /// <exception cref="OperationCanceledException">It was given up.</exception>
        internal static SessionCheck Check(Service service, ClaimName name, CancellationToken cancellation)
        {
            IRuntime runtime = service.Runtime;
            SessionSettings settings = service.Settings;
            double giveUpMs = runtime.NowMs + settings.OpenWithinMs;
            Trouble answered = null;
            int unanswered = 0;
            for (int failures = 1; ; failures++)
            {
                double untilMs = Math.Min(runtime.NowMs + Timing.AttemptTimeoutMs(settings.RequestTimeoutMs, unanswered), giveUpMs);
                Exchange exchange = service.Exchange(Caller.ClaimPath, settings.Caller.CheckBody(name), () => cancellation.IsCancellationRequested ? 0 : untilMs);
                cancellation.ThrowIfCancellationRequested();
                Outcome outcome = Answers.ReadClaim(exchange);
                var available = outcome as Available;
                if (available != null) return new SessionCheck(available.License, null);
                var refused = outcome as Refused;
                if (refused != null && refused.Error is SessionRefusedException) return new SessionCheck(null, (SessionRefusedException)refused.Error);
                if (refused != null) throw refused.Error;
                Trouble trouble = outcome as Trouble ?? new Trouble { Problem = "granted" };
                bool wasCutOff = trouble.Problem == LicenseSessions.Exchange.NoAnswerInTime;
                unanswered = wasCutOff ? unanswered + 1 : 0;
                if (!wasCutOff) answered = trouble;
                double delayMs = Timing.RetryDelayMs(failures, Timing.OpeningIntervalMs, runtime.Random());
                double againMs = Timing.RetryAtMs(runtime.NowMs, delayMs, trouble.RetryAfterMs, giveUpMs, settings.RequestTimeoutMs);
                if (trouble.CantPass) throw Claiming.Unavailable(trouble);
                if (againMs >= giveUpMs) throw Claiming.Unavailable(answered ?? trouble);
                runtime.Pause(() => cancellation.IsCancellationRequested ? 0 : againMs);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }
}
