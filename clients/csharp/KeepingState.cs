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
        /// <summary>Symbols of several that are lost while the session goes on.</summary>
        internal readonly IReadOnlyList<SymbolLoss> Lost;
        /// <summary>A request to release that the program has not heard of yet.</summary>
        internal readonly ReleaseRequest Asked;

        internal Step(Keeping keeping, SessionStatus status = null, IReadOnlyList<SymbolLoss> lost = null, ReleaseRequest asked = null)
        {
            Keeping = keeping;
            Status = status;
            Lost = lost ?? new SymbolLoss[0];
            Asked = asked;
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
        /// <summary>Whether the service could not read a report: heartbeats then go without one.</summary>
        internal bool ReportRefused { get; private set; }
        /// <summary>Whether somebody asks for the session, and the program has been told.</summary>
        internal bool IsAsked { get; private set; }
        /// <summary>Whether the next heartbeat says that the session is kept.</summary>
        internal bool SaysKeep { get; private set; }
        internal double? AskUntilMs { get; private set; }
        internal SessionEnd End { get; private set; }
        /// <summary>When the service will let others in if nothing more is confirmed.</summary>
        internal double LapsesMs { get; private set; }

        private const long LeastBeatGapMs = 200;

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

        /// <summary>The program keeps the session, although somebody asks for it. A heartbeat says so at once.</summary>
        internal Keeping Kept(double nowMs)
        {
            Keeping kept = Copy();
            kept.SaysKeep = true;
            kept.NextBeatMs = Math.Min(NextBeatMs, nowMs);
            return kept;
        }

        /// <summary>The program gives up some of several symbols.</summary>
        internal Keeping Dropped(IEnumerable<string> released)
        {
            Keeping rest = Copy();
            rest.Symbols = Symbols.Without(released);
            return rest;
        }

        /// <summary>Nobody listens yet: the program is told as soon as an answer says it again.</summary>
        internal Keeping Unasked()
        {
            Keeping unasked = Copy();
            unasked.IsAsked = false;
            return unasked;
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
        /// <param name="saidKeep">whether the heartbeat said that the session is kept</param>
        /// <param name="sent">when the heartbeat was sent</param>
        /// <param name="plannedMs">the latest time at which the outcome should have been known</param>
        /// <param name="at">now</param>
        /// <param name="chance">from 0 up to 1</param>
        internal Step Answered(Outcome outcome, bool saidKeep, Instant sent, double plannedMs, Instant at, double chance)
        {
            if (End != null) return new Step(this);
            var ended = outcome as EndedOutcome;
            if (ended != null) return Ended(ended.End);
            var recorded = outcome as Recorded;
            if (recorded != null) return Confirm(recorded, saidKeep, sent, at, chance);
            var partLost = outcome as PartLost;
            if (partLost != null) return LosePart(partLost, saidKeep, sent, plannedMs, at, chance);
            var unreadable = outcome as Unreadable;
            if (unreadable == null) return TryAgain((Trouble)outcome, plannedMs, at, chance);
            // Only the report can be unreadable, because the claim sent everything else.
            Keeping without = Copy();
            without.ReportRefused = true;
            return without.TryAgain(new Trouble { Problem = unreadable.Problem }, plannedMs, at, chance);
        }

        /// <summary>Of several symbols, some are lost. The next heartbeat leaves them out, and so confirms it.</summary>
        private Step LosePart(PartLost part, bool saidKeep, Instant sent, double plannedMs, Instant at, double chance)
        {
            SymbolLoss[] lost = Symbols.Without(part.Held).Select(symbol => LossOf(symbol, part.Lost)).ToArray();
            Keeping rest = Dropped(lost.Select(loss => loss.Symbol));
            if (lost.Length > 0 && rest.Symbols.Count == 0)
            {
                EndReason reason = lost[0].Code == "session_not_found" ? EndReason.Lost : EndReason.Taken;
                return Ended(new SessionEnd(reason, lost[0].Code, lost[0].ActiveDevice));
            }
            Step step = part.Recorded == null
                ? rest.TryAgain(part.Trouble, plannedMs, at, chance)
                : rest.Confirm(part.Recorded, saidKeep, sent, at, chance);
            // Such an answer does not say that nobody asks any more.
            step.Keeping.IsAsked |= IsAsked;
            return new Step(step.Keeping, step.Status, lost, step.Asked);
        }

        private static SymbolLoss LossOf(string symbol, IEnumerable<SymbolLoss> named)
        {
            SymbolLoss loss = named.FirstOrDefault(one => SymbolNames.Key(one.Symbol) == SymbolNames.Key(symbol));
            return loss == null ? new SymbolLoss(symbol, "session_not_found", null) : new SymbolLoss(symbol, loss.Code, loss.ActiveDevice);
        }

        private Step Confirm(Recorded recorded, bool saidKeep, Instant sent, Instant at, double chance)
        {
            Keeping renewed = Copy();
            // A heartbeat's answer does not name the type.
            if (recorded.License != null) renewed.License = recorded.License.WithType(License.Type);
            renewed.Renew(new Lease(recorded.SessionTimeoutMs, Granted.Lease.HeartbeatIntervalMs, recorded.HeldForMs), sent, chance);
            renewed.SaysKeep = SaysKeep && !saidKeep;
            if (renewed.SaysKeep) renewed.NextBeatMs = at.NowMs;
            // It is said with every heartbeat; the program is told once.
            ReleaseRequest asked = IsAsked ? null : recorded.Asked;
            renewed.IsAsked = recorded.Asked != null;
            // If the machine slept while the answer was on its way, the answer may be out of date.
            bool parted = renewed.ClocksParted(at);
            if (!parted && at.NowMs < renewed.RightEndsMs) return new Step(renewed, renewed.HeldStatus(at), null, asked);
            Step asking = renewed.Ask(at, parted ? "clocks_parted" : null);
            // Not at once, in case the service confirms less than an answer takes.
            asking.Keeping.NextBeatMs = Math.Max(at.NowMs, sent.NowMs + LeastBeatGapMs);
            return new Step(asking.Keeping, asking.Status, null, asked);
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
