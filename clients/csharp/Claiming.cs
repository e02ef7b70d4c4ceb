using System;
using System.Linq;

namespace LicenseSessions
{
    /// <summary>All attempts of one opening.</summary>
    internal sealed class Claiming
    {
        /// <summary>The least time for which the service remembers a request (30 s), less the longest poll.</summary>
        private const double RequestLastsMs = 24000;

        private readonly Service _service;
        private readonly SessionSettings _settings;
        private readonly IRuntime _runtime;
        private readonly Notifier _notifier;
        private readonly ClaimName _name;
        private Trouble _answered;
        /// <summary>Whether the attempts ask the holder to release the session.</summary>
        private bool _asksHolder;
        /// <summary>When a refusal first said that the holder was asked.</summary>
        private double? _askedMs;
        private bool? _holderAsked;
        private bool? _holderTold;
        private bool? _holderKeeps;
        private int _failures;
        /// <summary>How many attempts in a row were not answered in time.</summary>
        private int _unanswered;
        private double _giveUpMs;
        private double? _cancelledMs;
        /// <summary>Whether an attempt got no usable answer, and may therefore have been granted.</summary>
        private bool _maybeGranted;

        internal Claiming(Service service, Notifier notifier, ClaimName name)
        {
            _service = service;
            _settings = service.Settings;
            _runtime = service.Runtime;
            _notifier = notifier;
            _name = name;
            _asksHolder = service.Settings.Caller.AskHolder;
        }

        /// <summary>When the request was sent that was granted.</summary>
        internal Instant Sent { get; private set; }

        /// <summary>May be called on any thread, under the lock. The caller must then wake the runtime.</summary>
        internal void Cancel()
        {
            if (!_cancelledMs.HasValue) _cancelledMs = _runtime.NowMs;
        }

        /// <summary>Claims, with retries.</summary>
        /// <returns>a grant, a refusal, or <c>null</c> if cancelled</returns>
        internal Outcome Claim()
        {
            double waitUntilMs = _runtime.NowMs + _settings.WaitWithinMs;
            _giveUpMs = _runtime.NowMs + _settings.OpenWithinMs;
            while (!IsCancelled)
            {
                Sent = Instant.Of(_runtime);
                Outcome outcome = Attempt();
                var granted = outcome as Granted;
                var trouble = outcome as Trouble;
                var refused = outcome as Refused;
                if (granted != null)
                {
                    // Until somebody keeps it, it is given back.
                    _maybeGranted = true;
                    if (IsCancelled) return null;
                    bool isHeld = Keeping.Start(granted, Sent, _settings, 0).RightLastsMs(Instant.Of(_runtime)) > 0;
                    if (isHeld) return granted;
                    // The answer came too late. As long as no heartbeat has confirmed the session, another
                    // attempt renews it.
                    trouble = new Trouble { Problem = Exchange.NoAnswerInTime };
                }
                if (refused != null)
                {
                    if (!CanWaitFor(refused.Error) || _runtime.NowMs >= waitUntilMs) return refused;
                    _failures = 0;
                    _unanswered = 0;
                    Wait((SessionRefusedException)refused.Error, waitUntilMs);
                    _giveUpMs = _runtime.NowMs + _settings.OpenWithinMs;
                    continue;
                }
                _maybeGranted = true;
                Refused given = TryAgain(trouble);
                if (given != null) return given;
            }
            return null;
        }

        /// <summary>Releases a session that was granted, or may have been, but is not used.</summary>
        internal void GiveBack()
        {
            if (!_maybeGranted) return;
            double begunMs = _cancelledMs ?? _runtime.NowMs;
            _service.Release(
                _settings.Caller.NamedBody(_name),
                _settings.RequestTimeoutMs,
                Timing.OpeningIntervalMs,
                begunMs + Timing.ReleaseWithinMs);
        }

        /// <summary>The error if no usable answer came in time.</summary>
        internal static ServiceUnavailableException Unavailable(Trouble trouble)
        {
            return new ServiceUnavailableException(trouble.Problem, trouble.Cause)
            {
                Status = trouble.Status,
                RequestId = trouble.RequestId,
            };
        }

        private bool IsCancelled
        {
            get { return _cancelledMs.HasValue; }
        }

        /// <summary>This device does not wait for itself, and an opening that came too late stays so.</summary>
        private static bool CanWaitFor(LicenseSessionException error)
        {
            var refused = error as SessionRefusedException;
            return refused != null && !refused.HeldByThisDevice && !refused.Blocked.Any(one => one.HeldByThisDevice) && (refused.Code == "session_conflict" || refused.Code == "session_limit");
        }

        private Outcome Attempt()
        {
            double timeoutMs = Timing.AttemptTimeoutMs(_settings.RequestTimeoutMs, _unanswered);
            double untilMs = Math.Min(_runtime.NowMs + timeoutMs, _giveUpMs);
            Outcome outcome = Answers.ReadClaim(_service.Exchange(
                Caller.ClaimPath,
                _settings.Caller.ClaimBody(_name, _asksHolder),
                () => Math.Min(untilMs, DropMs)));
            return outcome is Available ? new Trouble { Problem = "available" } : outcome;
        }

        /// <summary>
        /// A release that overtook its claim would free nothing. So when cancelled, this still waits a while
        /// for the answer to the current claim.
        /// </summary>
        private double DropMs
        {
            get { return _cancelledMs.HasValue ? _cancelledMs.Value + Timing.ReleaseWithinMs / 2 : double.PositiveInfinity; }
        }

        /// <returns>why the opening is given up; <c>null</c> if it is not</returns>
        private Refused TryAgain(Trouble trouble)
        {
            if (IsCancelled) return null;
            _failures++;
            bool isUnanswered = trouble.Problem == Exchange.NoAnswerInTime;
            _unanswered = isUnanswered ? _unanswered + 1 : 0;
            if (!isUnanswered) _answered = trouble;
            double nowMs = _runtime.NowMs;
            double delayMs = Timing.RetryDelayMs(_failures, Timing.OpeningIntervalMs, _runtime.Random());
            double againMs = Timing.RetryAtMs(nowMs, delayMs, trouble.RetryAfterMs, _giveUpMs, _settings.RequestTimeoutMs);
            if (trouble.CantPass) return new Refused { Error = Unavailable(trouble) };
            if (againMs >= _giveUpMs)
            {
                // The last attempt may only have timed out. An earlier answer then explains more.
                return new Refused { Error = Unavailable(_answered ?? trouble) };
            }
            _notifier.Notify(new SessionStatus(SessionState.Opening) { Problem = trouble.Problem });
            PauseUntil(againMs);
            return null;
        }

        /// <summary>
        /// Asking again is free as long as the last request is remembered, and brings the holder's answer. Later it
        /// would be a second request, which is for holders alone that the first has not reached.
        /// </summary>
        private static bool GoesOnAsking(SessionRefusedException refusal, double sinceAskedMs)
        {
            bool allKeep = refusal.HolderKeeps == true, allTold = allKeep || refusal.HolderTold == true;
            if (refusal.Blocked.Count > 0)
            {
                allKeep = refusal.Blocked.All(one => one.HolderKeeps == true);
                allTold = refusal.Blocked.All(one => one.HolderKeeps == true || one.HolderTold == true);
            }
            return !allKeep && (!allTold || sinceAskedMs < RequestLastsMs);
        }

        private void Wait(SessionRefusedException refusal, double waitUntilMs)
        {
            if (refusal.HolderAsked == true || refusal.Blocked.Any(one => one.HolderAsked == true)) _askedMs = _askedMs ?? _runtime.NowMs;
            if (!GoesOnAsking(refusal, _runtime.NowMs - (_askedMs ?? _runtime.NowMs))) _asksHolder = false;
            // An attempt that asks no more is not answered what became of the asking.
            _holderAsked = refusal.HolderAsked ?? _holderAsked;
            _holderTold = refusal.HolderTold ?? _holderTold;
            _holderKeeps = refusal.HolderKeeps ?? _holderKeeps;
            _notifier.Notify(new SessionStatus(SessionState.Waiting)
            {
                Refusal = refusal, HolderAsked = _holderAsked, HolderTold = _holderTold, HolderKeeps = _holderKeeps,
            });
            double againMs = _runtime.NowMs + Timing.PollDelayMs(refusal.WaitSeconds, _runtime.Random());
            PauseUntil(Math.Min(againMs, waitUntilMs));
        }

        private void PauseUntil(double untilMs)
        {
            _runtime.Pause(() => IsCancelled ? 0 : untilMs);
        }
    }
}
