using System;

namespace LicenseSessions
{
    /// <summary>The timing of a session, derived from what the service named. All times are milliseconds.</summary>
    internal sealed class Timing
    {
        /// <summary>Used until the service has named an interval.</summary>
        internal const long OpeningIntervalMs = 20000;

        /// <summary>The time limit of a release, including retries.</summary>
        internal const long ReleaseWithinMs = 5000;

        /// <summary>Longer times, and no limit, are this: about thirty years.</summary>
        internal const double LongestMs = 1e12;

        /// <summary>How long a confirmed request gives a right to the session, counted from its sending.</summary>
        internal readonly long RightMs;
        internal readonly long HeartbeatIntervalMs;
        internal readonly long RequestTimeoutMs;
        /// <summary>The time limit of a heartbeat after one that was not answered in time.</summary>
        internal readonly long LongestRequestMs;
        /// <summary>How long to ask whether the session still exists after oversleeping.</summary>
        internal readonly long AskWithinMs;
        /// <summary>A timer that is later than this means that the process was asleep or stuck.</summary>
        internal readonly long OversleptAfterMs;
        /// <summary>If the wall clock gains this much on the monotonic one, that one may have stood still.</summary>
        internal readonly long ClocksPartedAfterMs;
        /// <summary>How long a heartbeat waits for its report.</summary>
        internal readonly long ReportWithinMs;

        /// <param name="lease">what the service named</param>
        /// <param name="marginMs">can only shorten the right that the service names</param>
        /// <param name="requestTimeoutMs">the limit that the program set</param>
        internal Timing(Lease lease, double? marginMs, double requestTimeoutMs)
        {
            double timeoutMs = lease.SessionTimeoutMs;
            double rightMs = lease.HeldForMs;
            if (marginMs.HasValue) rightMs = Math.Min(rightMs, timeoutMs - Math.Min(marginMs.Value, timeoutMs / 2));
            RightMs = (long)Math.Floor(rightMs);
            RequestTimeoutMs = (long)Math.Floor(Math.Min(requestTimeoutMs, RightMs / 3.0));
            LongestRequestMs = (long)Math.Floor(Math.Min(2 * requestTimeoutMs, RightMs / 3.0));
            HeartbeatIntervalMs = (long)Math.Floor(Math.Min(lease.HeartbeatIntervalMs, timeoutMs / 3));
            AskWithinMs = Math.Min(10000, RightMs);
            OversleptAfterMs = Math.Min(1000, RightMs / 5);
            // Clocks tick in steps and are slewed, so a difference below 0.1 s means nothing.
            ClocksPartedAfterMs = (long)Math.Floor(Math.Max(100, Math.Min(1000, timeoutMs - RightMs)));
            ReportWithinMs = Math.Min(1000, RequestTimeoutMs / 2);
        }

        /// <summary>Up to a tenth early, so that bots that started together spread out.</summary>
        internal static long HeartbeatDelayMs(double intervalMs, double chance)
        {
            return (long)Math.Floor(intervalMs * (1 - 0.1 * chance));
        }

        /// <summary>At an interval of 20 s: 1 s, then doubling up to 4 s.</summary>
        internal static long RetryDelayMs(int failures, double intervalMs, double chance)
        {
            double firstMs = Math.Min(1000, intervalMs / 10);
            double delayMs = Math.Min(firstMs * Math.Pow(2, Math.Min(failures - 1, 10)), intervalMs / 5);
            return (long)Math.Floor(delayMs * (1 - 0.5 * chance));
        }

        /// <summary>
        /// When to retry: after the delay, or later if the answer asks for it, but early enough for one
        /// more full request before the end.
        /// </summary>
        internal static double RetryAtMs(double nowMs, double delayMs, double? retryAfterMs, double endsMs, double requestTimeoutMs)
        {
            double askedForMs = Math.Min(nowMs + (retryAfterMs ?? 0), endsMs - requestTimeoutMs);
            return Math.Max(nowMs + delayMs, askedForMs);
        }

        /// <summary>The time limit of an opening's next attempt: on a slow line, a longer one may succeed.</summary>
        /// <param name="requestTimeoutMs">the limit of the first</param>
        /// <param name="unanswered">how many attempts in a row were not answered in time</param>
        internal static double AttemptTimeoutMs(double requestTimeoutMs, int unanswered)
        {
            return requestTimeoutMs * (1 << Math.Min(unanswered, 2));
        }

        /// <summary>About every 5 s, because a release may come at any time; sooner if the named wait is over.</summary>
        internal static double PollDelayMs(double? waitSeconds, double chance)
        {
            double pollMs = Math.Floor(5000 * (0.8 + 0.4 * chance));
            return Math.Max(1000, Math.Min(pollMs, (waitSeconds ?? double.PositiveInfinity) * 1000));
        }
    }

    /// <summary>What the service says about the time of a session with each confirmation.</summary>
    internal sealed class Lease
    {
        internal readonly double SessionTimeoutMs;
        internal readonly double HeartbeatIntervalMs;
        /// <summary>How long the right lasts, from the sending of the request that this confirms.</summary>
        internal readonly double HeldForMs;

        internal Lease(double sessionTimeoutMs, double heartbeatIntervalMs, double heldForMs)
        {
            SessionTimeoutMs = sessionTimeoutMs;
            HeartbeatIntervalMs = heartbeatIntervalMs;
            HeldForMs = heldForMs;
        }
    }
}
