using System;
using System.Collections.Generic;
using System.Linq;

namespace LicenseSessions
{
    /// <summary>What a step does: the next state, and what to say about it.</summary>
    internal struct Step
    {
        internal readonly Keeping Keeping;
        /// <summary>The status to report to the program, if any.</summary>
        internal readonly SessionStatus Status;

        internal Step(Keeping keeping, SessionStatus status = null)
        {
            Keeping = keeping;
            Status = status;
        }
    }

    /// <summary>
    /// The rules of keeping a session, as pure functions from one state to the next.
    ///
    /// While <see cref="AskUntilMs"/> is set, there is no right until a heartbeat is confirmed. Once
    /// <see cref="End"/> is set, the state is final. Otherwise the right lasts until
    /// <see cref="RightEndsMs"/>; heartbeats renew it.
    /// </summary>
    internal sealed class Keeping
    {
        internal Granted Granted { get; private set; }
        internal SessionSettings Settings { get; private set; }
        internal Timing Timing { get; private set; }
        internal Lease Lease { get; private set; }
        internal License License { get; private set; }
        /// <summary>What is held, as the program wrote it. Empty in a session without symbols.</summary>
        internal IReadOnlyList<string> Symbols { get; private set; }
        internal double RightEndsMs { get; private set; }
        /// <summary>The lead of the wall clock over the monotonic one when the two were last known to agree.</summary>
        internal long WallLeadMs { get; private set; }
        internal double NextBeatMs { get; private set; }
        internal int Failures { get; private set; }
        /// <summary>How many requests in a row were not answered in time.</summary>
        internal int Unanswered { get; private set; }
        /// <summary>The report that the service could not read. It is not sent again.</summary>
        internal string RefusedReport { get; private set; }
        internal double? AskUntilMs { get; private set; }
        internal SessionEnd End { get; private set; }
        /// <summary>When the service will let others in if nothing more is confirmed.</summary>
        internal double LapsesMs { get; private set; }

        private Keeping()
        {
        }

        /// <summary>The right counts from sending: the service can't have received the request earlier.</summary>
        internal static Keeping Start(Granted granted, Instant sent, SessionSettings settings, double chance)
        {
            var keeping = new Keeping
            {
                Granted = granted,
                Settings = settings,
                License = granted.License,
                Symbols = settings.Caller.Symbols ?? (settings.Caller.Symbol == null ? new string[0] : new[] { settings.Caller.Symbol }),
            };
            keeping.Renew(granted.Lease, sent, chance);
            return keeping;
        }

        /// <summary>
        /// How long the right lasts unless a heartbeat is confirmed; 0 without one. Of the two clocks, the
        /// one that ran further counts.
        /// </summary>
        internal double RightLastsMs(Instant at)
        {
            if (End != null || AskUntilMs.HasValue || ClocksParted(at)) return 0;
            return Math.Max(0, RightEndsMs - at.NowMs - Math.Max(0, at.WallLeadMs - WallLeadMs));
        }

        /// <summary>When the session is given up.</summary>
        internal double LimitMs
        {
            get { return AskUntilMs ?? RightEndsMs; }
        }

        /// <summary>The time limit of a heartbeat that is sent at this time.</summary>
        internal double RequestUntilMs(double nowMs)
        {
            double withinMs = Unanswered > 0 ? Timing.LongestRequestMs : Timing.RequestTimeoutMs;
            return Math.Min(nowMs + withinMs, LimitMs);
        }

        /// <summary>The latest time of the next action.</summary>
        internal double WakeMs
        {
            get { return Math.Min(NextBeatMs, LimitMs); }
        }

        internal SessionStatus HeldStatus(Instant at)
        {
            return new SessionStatus(SessionState.Held) { RightLasts = TimeSpan.FromMilliseconds(RightLastsMs(at)) };
        }

        internal Step Ended(SessionEnd end)
        {
            if (End != null) return new Step(this);
            Keeping over = Copy();
            over.End = end;
            return new Step(over, new SessionStatus(SessionState.Ended) { End = end });
        }

        /// <summary>The heartbeat is due now.</summary>
        internal Keeping BeatingAt(double nowMs)
        {
            Keeping sooner = Copy();
            sooner.NextBeatMs = Math.Min(NextBeatMs, nowMs);
            return sooner;
        }

        /// <summary>The program has given up some symbols of several.</summary>
        internal Keeping Without(ICollection<string> released)
        {
            Keeping rest = Copy();
            rest.Symbols = Symbols.Where(symbol => !released.Contains(symbol)).ToArray();
            return rest;
        }

        /// <summary>
        /// What the passing of time alone does to the session.
        ///
        /// When its time is over, the session is lost. But if this process overslept, the service is not to
        /// blame, so it is asked whether the session still exists.
        /// </summary>
        /// <param name="plannedMs">the latest time at which this should have been called</param>
        /// <param name="at">now</param>
        internal Step Woke(double plannedMs, Instant at)
        {
            if (End != null) return new Step(this);
            if (ClocksParted(at)) return Ask(at, "clocks_parted");
            if (at.NowMs >= LimitMs)
            {
                if (at.NowMs - plannedMs > Timing.OversleptAfterMs) return Ask(at, null);
                return Ended(new SessionEnd(EndReason.Lost, Exchange.NoAnswerInTime));
            }
            if (at.WallLeadMs >= WallLeadMs) return new Step(this);
            // After the wall clock was set back, a pause shows already at a smaller lead.
            Keeping lower = Copy();
            lower.WallLeadMs = at.WallLeadMs;
            return new Step(lower);
        }

        /// <summary>What the outcome of a heartbeat does to the session.</summary>
        /// <param name="outcome">of the heartbeat</param>
        /// <param name="report">what it carried, as JSON; <c>null</c> if nothing</param>
        /// <param name="sent">when the heartbeat was sent</param>
        /// <param name="plannedMs">the latest time at which the outcome should have been known</param>
        /// <param name="at">now</param>
        /// <param name="chance">from 0 up to 1</param>
        internal Step Answered(Outcome outcome, string report, Instant sent, double plannedMs, Instant at, double chance)
        {
            if (End != null) return new Step(this);
            var ended = outcome as EndedOutcome;
            if (ended != null) return Ended(ended.End);
            var recorded = outcome as Recorded;
            if (recorded != null) return Confirm(recorded, sent, at, chance);
            var partLost = outcome as PartLost;
            if (partLost != null) return LosePart(partLost, sent, plannedMs, at, chance);
            var unreadable = outcome as Unreadable;
            if (unreadable == null) return TryAgain((Trouble)outcome, plannedMs, at, chance);
            // Only the report can be unreadable, because the claim sent everything else.
            Keeping without = Copy();
            without.RefusedReport = report ?? RefusedReport;
            return without.TryAgain(new Trouble { Problem = unreadable.Problem }, plannedMs, at, chance);
        }

        /// <summary>Some of several symbols are lost. The answer renews the others as any other does.</summary>
        private Step LosePart(PartLost part, Instant sent, double plannedMs, Instant at, double chance)
        {
            Keeping rest = Without(part.Lost.Select(loss => loss.Symbol).ToArray());
            if (rest.Symbols.Count == 0)
            {
                SymbolLoss first = part.Lost[0];
                EndReason reason = first.Code == "session_not_found" ? EndReason.Lost : EndReason.Taken;
                return Ended(new SessionEnd(reason, first.Code, first.ActiveDevice));
            }
            return part.Recorded == null ? rest.TryAgain(part.Trouble, plannedMs, at, chance) : rest.Confirm(part.Recorded, sent, at, chance);
        }

        private Step Confirm(Recorded recorded, Instant sent, Instant at, double chance)
        {
            Keeping renewed = Copy();
            renewed.License = recorded.License.WithType(License.Type);
            renewed.Renew(new Lease(recorded.SessionTimeoutMs, Granted.Lease.HeartbeatIntervalMs, recorded.HeldForMs), sent, chance);
            // If the machine slept while the answer was on its way, the answer may be out of date.
            bool parted = renewed.ClocksParted(at);
            if (!parted && at.NowMs < renewed.RightEndsMs) return new Step(renewed, renewed.HeldStatus(at));
            Step asking = renewed.Ask(at, parted ? "clocks_parted" : null);
            // Asked a second time in a row, it is no sleep any more, and must not become a busy loop.
            if (AskUntilMs.HasValue) asking.Keeping.NextBeatMs += Timing.RetryDelayMs(1, Timing.HeartbeatIntervalMs, chance);
            return asking;
        }

        private Step TryAgain(Trouble trouble, double plannedMs, Instant at, double chance)
        {
            Step passed = Woke(plannedMs, at);
            if (passed.Status != null) return passed;
            Keeping again = passed.Keeping.Copy();
            again.Failures++;
            again.Unanswered = trouble.Problem == Exchange.NoAnswerInTime ? Unanswered + 1 : 0;
            double delayMs = Timing.RetryDelayMs(again.Failures, Timing.HeartbeatIntervalMs, chance);
            again.NextBeatMs = Timing.RetryAtMs(at.NowMs, delayMs, trouble.RetryAfterMs, again.LimitMs, Timing.RequestTimeoutMs);
            if (again.AskUntilMs.HasValue) return new Step(again, new SessionStatus(SessionState.Asking) { Problem = trouble.Problem });
            return new Step(again, new SessionStatus(SessionState.Troubled)
            {
                Problem = trouble.Problem,
                RightLasts = TimeSpan.FromMilliseconds(again.RightLastsMs(at)),
            });
        }

        private Step Ask(Instant at, string problem)
        {
            Keeping asking = Copy();
            // Parted clocks alone must not lose a session, so ask at least as long as the right.
            asking.AskUntilMs = Math.Max(at.NowMs + Timing.AskWithinMs, RightEndsMs);
            asking.NextBeatMs = at.NowMs;
            asking.Failures = 0;
            asking.Unanswered = 0;
            asking.WallLeadMs = at.WallLeadMs;
            return new Step(asking, new SessionStatus(SessionState.Asking) { Problem = problem });
        }

        /// <summary>Whether the wall clock gained on the monotonic one, which may have stood still.</summary>
        private bool ClocksParted(Instant at)
        {
            return at.WallLeadMs - WallLeadMs > Timing.ClocksPartedAfterMs;
        }

        private void Renew(Lease lease, Instant sent, double chance)
        {
            Lease = lease;
            Timing = new Timing(lease, Settings.MarginMs, Settings.RequestTimeoutMs);
            RightEndsMs = sent.NowMs + Timing.RightMs;
            LapsesMs = sent.NowMs + lease.SessionTimeoutMs;
            WallLeadMs = sent.WallLeadMs;
            NextBeatMs = sent.NowMs + Timing.HeartbeatDelayMs(Timing.HeartbeatIntervalMs, chance);
            Failures = 0;
            Unanswered = 0;
            AskUntilMs = null;
        }

        private Keeping Copy()
        {
            return (Keeping)MemberwiseClone();
        }
    }
}
