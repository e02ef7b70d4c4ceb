using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace LicenseSessions
{
    /// <summary>
    /// The life of one session: claimed, kept, released. <see cref="Live"/> runs on the session's own
    /// thread. Everything else may be called from any.
    /// </summary>
    internal sealed class Life
    {
        internal readonly SessionSettings Settings;
        internal readonly IRuntime Runtime;
        internal readonly Notifier Notifier;
        private readonly Service _service;
        private readonly Claiming _claiming;
        private readonly Reporter _reporter;

        // What follows is read and written under the runtime's lock.
        private Keeping _keeping;
        private LicenseSessionException _error;
        private ReleaseOutcome? _outcome;
        private double? _releaseBegunMs;
        private bool _finished;
        private readonly List<PartRelease> _parts = new List<PartRelease>();
        private Action<SymbolLoss> _symbolLost;
        private Action<ReleaseRequest> _releaseRequested;
        private Action<SessionEnd> _ended;
        /// <summary>Called once, under the lock, when the session is over: it must neither block nor throw.</summary>
        private Action<SessionEnd> _whenOver;

        internal Life(SessionSettings settings, IRuntime runtime, ClaimName name)
        {
            Settings = settings;
            Runtime = runtime;
            Notifier = new Notifier(settings, runtime);
            _service = new Service(settings, runtime);
            _claiming = new Claiming(_service, Notifier, name);
            _reporter = new Reporter(settings, runtime, Notifier);
        }

        /// <summary>The state of the session; <c>null</c> until it is granted.</summary>
        internal Keeping Keeping
        {
            get { lock (Runtime.Sync) return _keeping; }
        }

        /// <summary>Set if the opening has failed.</summary>
        internal LicenseSessionException Error
        {
            get { lock (Runtime.Sync) return _error; }
        }

        internal SessionEnd End
        {
            get { lock (Runtime.Sync) return _keeping == null ? null : _keeping.End; }
        }

        /// <summary>Set once the release has succeeded or failed.</summary>
        internal ReleaseOutcome? Outcome
        {
            get { lock (Runtime.Sync) return _outcome; }
        }

        /// <summary>When the release began.</summary>
        internal double? ReleaseBegunMs
        {
            get { lock (Runtime.Sync) return _releaseBegunMs; }
        }

        /// <summary>Whether the session's thread is done.</summary>
        internal bool IsFinished
        {
            get { lock (Runtime.Sync) return _finished; }
        }

        internal double RightLastsMs
        {
            get { lock (Runtime.Sync) return _keeping == null ? 0 : _keeping.RightLastsMs(Instant.Of(Runtime)); }
        }

        /// <summary>The symbols to which there is a right right now.</summary>
        internal IReadOnlyList<string> Held
        {
            get { lock (Runtime.Sync) return RightLastsMs > 0 ? _keeping.Symbols : new string[0]; }
        }

        internal bool IsOpenOrFailed
        {
            get { lock (Runtime.Sync) return _keeping != null || _error != null; }
        }

        internal void OnSymbolLost(Action<SymbolLoss> handler, bool add)
        {
            lock (Runtime.Sync) _symbolLost = add ? _symbolLost + handler : _symbolLost - handler;
        }

        internal void OnReleaseRequested(Action<ReleaseRequest> handler, bool add)
        {
            lock (Runtime.Sync) _releaseRequested = add ? _releaseRequested + handler : _releaseRequested - handler;
        }

        /// <summary>A handler that comes after the end is called all the same.</summary>
        internal void OnEnded(Action<SessionEnd> handler, bool add)
        {
            lock (Runtime.Sync)
            {
                SessionEnd end = End;
                if (add && end != null) Notifier.Call(handler, end, "Session.Ended", false);
                else _ended = add ? _ended + handler : _ended - handler;
            }
        }

        /// <summary>Calls back when the session is over, under the lock: it must neither block nor throw.</summary>
        internal void WhenOver(Action<SessionEnd> call)
        {
            lock (Runtime.Sync)
            {
                if (End == null) _whenOver += call;
                else call(End);
            }
        }

        /// <summary>Ends the session or cancels its opening. The session's own thread does the rest.</summary>
        internal void BeginRelease()
        {
            bool isLate;
            lock (Runtime.Sync)
            {
                bool isFirst = !_releaseBegunMs.HasValue;
                if (isFirst) _releaseBegunMs = Runtime.NowMs;
                _claiming.Cancel();
                if (_keeping != null) Take(_keeping.Ended(new SessionEnd(EndReason.Released, "released")));
                isLate = isFirst && _finished && _keeping != null;
            }
            Runtime.Wake();
            if (isLate) ReleaseLate();
        }

        /// <summary>Gives up some symbols of several. Their right ends at once.</summary>
        /// <returns><c>null</c> if they are all, or the session is over, so that the whole is released</returns>
        internal PartRelease BeginRelease(IEnumerable<string> symbols)
        {
            PartRelease part;
            lock (Runtime.Sync)
            {
                IReadOnlyList<string> held = _keeping.Symbols.Among(symbols);
                bool isWhole = held.Count > 0 && (_keeping.End != null || held.Count == _keeping.Symbols.Count);
                part = isWhole ? null : new PartRelease(held);
                if (held.Count == 0)
                {
                    part.Outcome = ReleaseOutcome.NotHeld;
                    return part;
                }
                if (part != null)
                {
                    _keeping = _keeping.Dropped(held);
                    _parts.Add(part);
                }
            }
            if (part == null)
            {
                BeginRelease();
                return null;
            }
            try
            {
                Runtime.Spawn(() => ReleasePart(part));
            }
            catch (Exception)
            {
                lock (Runtime.Sync) part.Outcome = ReleaseOutcome.Unconfirmed;
            }
            return part;
        }

        /// <summary>
        /// Answers a request to release: the program keeps the session. Said by a heartbeat that is sent at once.
        /// </summary>
        internal void Keep()
        {
            lock (Runtime.Sync)
            {
                if (_keeping == null || _keeping.End != null) return;
                _keeping = _keeping.Kept(Runtime.NowMs);
            }
            Runtime.Wake();
        }

        /// <summary>It never began to live, because no thread could be started.</summary>
        internal void Abandon()
        {
            lock (Runtime.Sync) _finished = true;
        }

        internal void Live()
        {
            try
            {
                Outcome claimed = _claiming.Claim();
                var granted = claimed as Granted;
                if (granted != null && BeginKeeping(granted))
                {
                    KeepOn();
                    Linger();
                    Release();
                }
                else
                {
                    var refused = claimed as Refused;
                    if (refused != null) lock (Runtime.Sync) _error = refused.Error;
                    Runtime.Wake();
                    _claiming.GiveBack();
                }
            }
            catch (ThreadAbortException)
            {
                // Mono does so when the process ends. To start a thread then, as for a callback or a log line, may crash it.
            }
            catch (Exception error)
            {
                Notifier.Say(LogLevel.Warning, "Keeping the session failed, which is a bug of the client: " + error);
                lock (Runtime.Sync)
                {
                    if (_keeping == null) _error = new ServiceUnavailableException("a bug of the client", error);
                    else Take(_keeping.Ended(new SessionEnd(EndReason.Lost, "keeper_failed")));
                }
            }
            finally
            {
                lock (Runtime.Sync)
                {
                    _finished = true;
                    if (_releaseBegunMs.HasValue) _outcome = _outcome ?? ReleaseOutcome.Unconfirmed;
                }
                Runtime.Wake();
            }
        }

        private bool BeginKeeping(Granted granted)
        {
            lock (Runtime.Sync)
            {
                if (_releaseBegunMs.HasValue) return false;
                _keeping = Keeping.Start(granted, _claiming.Sent, Settings, Runtime.Random());
                Notifier.Notify(_keeping.HeldStatus(Instant.Of(Runtime)));
            }
            Runtime.Wake();
            return true;
        }

        private void KeepOn()
        {
            while (End == null)
            {
                double plannedMs = Keeping.WakeMs;
                Runtime.Pause(() => IsToLook() ? 0 : Math.Min(plannedMs, Keeping.WakeMs));
                bool beats;
                lock (Runtime.Sync)
                {
                    Take(_keeping.Woke(plannedMs, Instant.Of(Runtime)));
                    beats = _keeping.End == null && Runtime.NowMs >= _keeping.NextBeatMs;
                }
                if (beats) Beat();
            }
        }

        /// <summary>Whether the session is over, or its right has ended before its time was over.</summary>
        private bool IsToLook()
        {
            Instant at = Instant.Of(Runtime);
            return _keeping.End != null || _keeping.Woke(at.NowMs, at).Keeping != _keeping;
        }

        private void Beat()
        {
            string report = TakeReport();
            Keeping sending = Keeping;
            if (sending.End != null) return;
            var body = Settings.Caller.SessionBody(sending.Granted.SessionId, sending.Symbols);
            if (sending.SaysKeep) body["keep"] = true;
            AddReport(body, report);
            Instant sent = Instant.Of(Runtime);
            double plannedMs = sending.RequestUntilMs(sent.NowMs);
            Exchange exchange = _service.Exchange(Caller.HeartbeatPath, body, () => End != null ? 0 : plannedMs);
            Outcome outcome = Answers.ReadHeartbeat(exchange);
            var unreadable = outcome as Unreadable;
            if (unreadable != null && report != null)
            {
                Notifier.Say(LogLevel.Warning, "The service can't read the report (" + unreadable.Problem + "): from now on, heartbeats are sent without one");
            }
            lock (Runtime.Sync)
            {
                Take(_keeping.Answered(outcome, sending.SaysKeep, sent, plannedMs, Instant.Of(Runtime), Runtime.Random()));
            }
        }

        /// <summary>The heartbeat matters more: it does not wait long for a report, and is repeated without one.</summary>
        private string TakeReport()
        {
            if (Keeping.ReportRefused || Keeping.Failures > 0) return null;
            double untilMs = Runtime.NowMs + Keeping.Timing.ReportWithinMs;
            return _reporter.Take(() => End != null ? 0 : untilMs);
        }

        private static void AddReport(Dictionary<string, object> body, string report)
        {
            if (report == null) return;
            foreach (KeyValuePair<string, object> field in (Dictionary<string, object>)Json.Parse(report)) body[field.Key] = field.Value;
        }

        /// <summary>
        /// The service keeps what heartbeats no longer name, so this is repeated until it is answered, as long as
        /// the session lasts.
        /// </summary>
        private void ReleasePart(PartRelease part)
        {
            while (true)
            {
                Keeping keeping = Keeping;
                ReleaseOutcome outcome = _service.Release(
                    Settings.Caller.SessionBody(keeping.Granted.SessionId, part.Symbols),
                    keeping.Timing.RequestTimeoutMs,
                    keeping.Timing.HeartbeatIntervalMs,
                    Runtime.NowMs + Timing.ReleaseWithinMs);
                lock (Runtime.Sync)
                {
                    part.Outcome = part.Outcome ?? outcome;
                    // What is left to lapse is freed by the end of the session, which names it as well.
                    bool isGone = outcome == ReleaseOutcome.Released || outcome == ReleaseOutcome.NotHeld;
                    if (isGone) _parts.Remove(part);
                }
                Runtime.Wake();
                double againMs = Runtime.NowMs + keeping.Timing.HeartbeatIntervalMs;
                if (outcome == ReleaseOutcome.Unconfirmed) Runtime.Pause(() => End != null ? 0 : againMs);
                if (outcome != ReleaseOutcome.Unconfirmed || End != null) return;
            }
        }

        /// <summary>Waits until it is clear whether to release: a lost session may exist for a while.</summary>
        private void Linger()
        {
            if (ReleaseBegunMs.HasValue || IsGone) return;
            double lapsesMs = Keeping.LapsesMs;
            Runtime.Pause(() => ReleaseBegunMs.HasValue ? 0 : lapsesMs);
        }

        private void Release()
        {
            ReleaseOutcome? outcome = null;
            double? begunMs = ReleaseBegunMs;
            Keeping keeping = Keeping;
            if (IsGone) outcome = ReleaseOutcome.NotHeld;
            else if (begunMs.HasValue)
            {
                outcome = _service.Release(
                    Settings.Caller.SessionBody(keeping.Granted.SessionId, AllSymbols(keeping)),
                    keeping.Timing.RequestTimeoutMs,
                    keeping.Timing.HeartbeatIntervalMs,
                    begunMs.Value + Timing.ReleaseWithinMs);
            }
            lock (Runtime.Sync) _outcome = outcome;
            Runtime.Wake();
        }

        /// <summary>What is held, and what was given up but not freed.</summary>
        private IReadOnlyList<string> AllSymbols(Keeping keeping)
        {
            lock (Runtime.Sync) return keeping.Symbols.Concat(_parts.SelectMany(part => part.Symbols)).ToArray();
        }

        /// <summary>Releases a session that was over long before, because its entry may still take a seat.</summary>
        private void ReleaseLate()
        {
            try
            {
                Runtime.Spawn(Release);
            }
            catch (Exception)
            {
                lock (Runtime.Sync) _outcome = ReleaseOutcome.Unconfirmed;
            }
        }

        private bool IsGone
        {
            get
            {
                SessionEnd end = End;
                return end != null && (end.Reason == EndReason.Taken || end.Code == "session_not_found");
            }
        }

        private void TellOfRequest(ReleaseRequest request)
        {
            Notifier.Say(LogLevel.Info, "asked by " + request.Device + " to release");
            if (_releaseRequested == null) _keeping = _keeping.Unasked();
            else Notifier.Call(_releaseRequested, request, "Session.ReleaseRequested", false);
        }

        /// <summary>Must be called under the lock, so that no later step undoes an end.</summary>
        private void Take(Step step)
        {
            _keeping = step.Keeping;
            foreach (SymbolLoss loss in step.Lost)
            {
                Notifier.Say(LogLevel.Warning, "lost " + loss.Symbol + " (" + loss.Code + "); the others go on");
                Notifier.Call(_symbolLost, loss, "Session.SymbolLost", false);
            }
            if (step.Asked != null) TellOfRequest(step.Asked);
            if (step.Status == null) return;
            Notifier.Notify(step.Status);
            if (step.Status.State != SessionState.Ended) return;
            Notifier.Call(_ended, step.Status.End, "Session.Ended", false);
            Action<SessionEnd> whenOver = _whenOver;
            _whenOver = null;
            if (whenOver != null) whenOver(step.Status.End);
            Runtime.Wake();
        }
    }

    /// <summary>A release of some symbols of several, whose outcome is set under the lock.</summary>
    internal sealed class PartRelease
    {
        internal readonly IReadOnlyList<string> Symbols;
        internal ReleaseOutcome? Outcome;

        internal PartRelease(IReadOnlyList<string> symbols)
        {
            Symbols = symbols;
        }
    }
}
