using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LicenseSessions
{
    /// <summary>
    /// A license session that is being kept by heartbeats, on a thread of its own, until it is over.
    ///
    /// <para>Look at <see cref="Held"/> right before each order. After the machine has slept it is false until
    /// the service answers, and that may end well: the session is over only when <see cref="WaitLost"/>,
    /// <see cref="Lost"/>, <see cref="Completion"/> or <see cref="Ended"/> says so.</para>
    ///
    /// <para>Keep a reference to it: a session that nothing refers to any more is released.</para>
    ///
    /// <para>All members may be used on any thread.</para>
    /// </summary>
    public sealed class Session : IDisposable
    {
        /// <summary>How long to wait for running callbacks after a session has been released.</summary>
        private const double CallbacksWithinMs = 1000;

        private readonly Life _life;
        private readonly ThreadRuntime _runtime;
        private readonly CancellationTokenSource _lost = new CancellationTokenSource();
        private readonly TaskCompletionSource<SessionEnd> _completion = new TaskCompletionSource<SessionEnd>();

        private Session(Life life, ThreadRuntime runtime)
        {
            _life = life;
            _runtime = runtime;
            CancellationTokenSource lost = _lost;
            TaskCompletionSource<SessionEnd> completion = _completion;
            // On threads of their own, because both run code of the program.
            _life.WhenOver(end => Spawn(runtime, () => lost.Cancel()));
            _life.WhenOver(end => Spawn(runtime, () => completion.TrySetResult(end)));
        }

        /// <summary>Releases a session that the program has lost track of.</summary>
        ~Session()
        {
            if (_life == null || _life.End != null) return;
            _life.Notifier.Say(LogLevel.Warning, "released, because nothing refers to its Session any more: keep a reference to it");
            _life.BeginRelease();
        }

        /// <summary>Claims a session and keeps it. Blocks until it is open.</summary>
        /// <param name="options">what to open</param>
        /// <param name="cancellation">gives the opening up; what it was granted is released</param>
        /// <exception cref="SessionRefusedException">Another device holds it; says who, and how long to wait.</exception>
        /// <exception cref="LicenseRefusedException">The license is unknown or has ended.</exception>
        /// <exception cref="RequestUnreadableException">The service can't read what it was given.</exception>
        /// <exception cref="ServiceNotFoundException">The server at the address is not the license service.</exception>
        /// <exception cref="ServiceUnavailableException">No usable answer came in time.</exception>
        /// <exception cref="ArgumentException">An option is missing or invalid.</exception>
        /// <exception cref="OperationCanceledException">The opening was given up.</exception>
        public static Session Open(SessionOptions options, CancellationToken cancellation = default(CancellationToken))
        {
            SessionSettings settings = SessionSettings.Of(options);
            cancellation.ThrowIfCancellationRequested();
            var runtime = new ThreadRuntime(settings.Url, settings.Transport);
            var life = new Life(settings, runtime, ClaimName.Next());
            ProcessEnd.Enter(life, runtime);
            try
            {
                runtime.Spawn(() => Live(life, runtime));
            }
            catch (Exception error)
            {
                life.Abandon();
                throw new ServiceUnavailableException("no thread could be started: " + error.Message, error);
            }
            using (cancellation.Register(runtime.Wake))
            {
                runtime.Pause(() => life.IsOpenOrFailed || cancellation.IsCancellationRequested ? 0 : double.PositiveInfinity);
            }
            if (life.Error != null) throw life.Error;
            if (life.Keeping != null && !cancellation.IsCancellationRequested) return new Session(life, runtime);
            life.BeginRelease();
            throw new OperationCanceledException("The opening of the session was given up.", cancellation);
        }

        /// <summary>Claims a session and keeps it, without blocking the caller.</summary>
        /// <param name="options">what to open</param>
        /// <param name="cancellation">gives the opening up; what it was granted is released</param>
        /// <returns>the open session; fails as <see cref="Open"/> throws</returns>
        public static Task<Session> OpenAsync(SessionOptions options, CancellationToken cancellation = default(CancellationToken))
        {
            return OnThread(() => Open(options, cancellation), cancellation);
        }

        /// <summary>Asks whether a session could be opened now. Writes nothing at the service.</summary>
        /// <param name="options">what would be opened</param>
        /// <param name="cancellation">gives the check up</param>
        /// <exception cref="LicenseSessionException">
        /// As <see cref="Open"/>, but a session that another device holds is an answer.
        /// </exception>
        /// <exception cref="OperationCanceledException">The check was given up.</exception>
        public static SessionCheck Check(SessionOptions options, CancellationToken cancellation = default(CancellationToken))
        {
            SessionSettings settings = SessionSettings.Of(options);
            cancellation.ThrowIfCancellationRequested();
            var runtime = new ThreadRuntime(settings.Url, settings.Transport);
            using (cancellation.Register(runtime.Wake))
            {
                return Checking.Check(new Service(settings, runtime), ClaimName.Next(), cancellation);
            }
        }

        /// <summary>Asks whether a session could be opened now, without blocking the caller.</summary>
        /// <param name="options">what would be opened</param>
        /// <param name="cancellation">gives the check up</param>
        /// <returns>what the service says; fails as <see cref="Check"/> throws</returns>
        public static Task<SessionCheck> CheckAsync(SessionOptions options, CancellationToken cancellation = default(CancellationToken))
        {
            return OnThread(() => Check(options, cancellation), cancellation);
        }

        /// <summary>Whether there is a right to the session right now. Look at it before each order.</summary>
        public bool Held
        {
            get { return _life.RightLastsMs > 0; }
        }

        /// <summary>How long the right lasts unless a heartbeat is confirmed; zero without one.</summary>
        public TimeSpan RightLasts
        {
            get { return TimeSpan.FromMilliseconds(_life.RightLastsMs); }
        }

        /// <summary>The symbols to which there is a right right now, as the program wrote them.</summary>
        public IReadOnlyList<string> Symbols
        {
            get { return _life.Held; }
        }

        /// <summary>Whether there is a right to this symbol right now.</summary>
        /// <param name="symbol">one of those that were opened, in upper or lower case</param>
        public bool Holds(string symbol)
        {
            if (symbol == null) throw new ArgumentNullException("symbol");
            return Symbols.Among(new[] { symbol }).Count > 0;
        }

        /// <summary>Names this session at the service.</summary>
        public string SessionId
        {
            get { return _life.Keeping.Granted.SessionId; }
        }

        /// <summary>Grows with every claim of a symbol of the license: a smaller token belongs to an older session.</summary>
        public long FencingToken
        {
            get { return _life.Keeping.Granted.FencingToken; }
        }

        /// <summary>Type, end and active symbols of the license, as of the last answer.</summary>
        public License License
        {
            get { return _life.Keeping.License; }
        }

        /// <summary>Why the session is over; <c>null</c> if it is not.</summary>
        public SessionEnd End
        {
            get { return _life.End; }
        }

        /// <summary>Is cancelled once the session is over, for whatever reason.</summary>
        public CancellationToken Lost
        {
            get { return _lost.Token; }
        }

        /// <summary>Completes once the session is over, with the reason. It never fails.</summary>
        public Task<SessionEnd> Completion
        {
            get { return _completion.Task; }
        }

        /// <summary>Raised once when the session is over, on the thread of the callbacks; at once if it is.</summary>
        public event Action<SessionEnd> Ended
        {
            add { _life.OnEnded(value, true); }
            remove { _life.OnEnded(value, false); }
        }

        /// <summary>Raised for each symbol of several that is lost while others are held.</summary>
        public event Action<SymbolLoss> SymbolLost
        {
            add { _life.OnSymbolLost(value, true); }
            remove { _life.OnSymbolLost(value, false); }
        }

        /// <summary>
        /// Raised once when another device asks for the session. Close what is open and call
        /// <see cref="Release()"/>, or answer with <see cref="Keep"/>. Without a handler nothing happens.
        /// </summary>
        public event Action<ReleaseRequest> ReleaseRequested
        {
            add { _life.OnReleaseRequested(value, true); }
            remove { _life.OnReleaseRequested(value, false); }
        }

        /// <summary>Waits until the session is over, for whatever reason, or for so long.</summary>
        /// <param name="time">how long to wait; <see cref="Timeout.InfiniteTimeSpan"/> for no limit</param>
        /// <returns>whether it is over; <see cref="End"/> says why</returns>
        public bool WaitLost(TimeSpan time)
        {
            double untilMs = time == Timeout.InfiniteTimeSpan ? double.PositiveInfinity : _runtime.NowMs + time.TotalMilliseconds;
            _runtime.Pause(() => _life.End != null ? 0 : untilMs);
            GC.KeepAlive(this);
            return _life.End != null;
        }

        /// <summary>
        /// Tells the device that asked for the session that this one keeps it. Said by a heartbeat that is sent
        /// at once. It is told no more until the session's time, from that heartbeat on, is over.
        /// </summary>
        public void Keep()
        {
            _life.Keep();
        }

        /// <summary>
        /// Ends the session and frees the key at the service. Safe to call twice; never throws. Blocks for 5 s
        /// at most.
        /// </summary>
        public ReleaseOutcome Release()
        {
            _life.BeginRelease();
            double giveUpMs = (_life.ReleaseBegunMs ?? 0) + Timing.ReleaseWithinMs;
            _runtime.Pause(() => _life.Outcome.HasValue && _life.IsFinished ? 0 : giveUpMs);
            double callbacksUntilMs = Math.Min(_runtime.NowMs + CallbacksWithinMs, giveUpMs);
            _runtime.Pause(() => _runtime.IsIdle ? 0 : callbacksUntilMs);
            GC.SuppressFinalize(this);
            return _life.Outcome ?? ReleaseOutcome.Unconfirmed;
        }

        /// <summary>
        /// Gives up some symbols of several and keeps the others. Never throws for what it meets at the service.
        /// </summary>
        /// <param name="symbols">what to release; what is not held is passed over</param>
        public ReleaseOutcome Release(IEnumerable<string> symbols)
        {
            if (symbols == null) throw new ArgumentNullException("symbols");
            PartRelease part = _life.BeginRelease(symbols);
            if (part == null) return Release();
            double giveUpMs = _runtime.NowMs + Timing.ReleaseWithinMs;
            _runtime.Pause(() => part.Outcome.HasValue ? 0 : giveUpMs);
            return part.Outcome ?? ReleaseOutcome.Unconfirmed;
        }

        /// <summary>Ends the session and frees the key, without blocking the caller.</summary>
        public Task<ReleaseOutcome> ReleaseAsync()
        {
            return OnThread(Release, CancellationToken.None);
        }

        /// <summary>Gives up some symbols of several, without blocking the caller.</summary>
        /// <param name="symbols">what to release</param>
        public Task<ReleaseOutcome> ReleaseAsync(IEnumerable<string> symbols)
        {
            return OnThread(() => Release(symbols), CancellationToken.None);
        }

        /// <summary>Releases the session.</summary>
        public void Dispose()
        {
            Release();
        }

        private static void Live(Life life, ThreadRuntime runtime)
        {
            try
            {
                life.Live();
            }
            finally
            {
                runtime.Close();
            }
        }

        private static void Spawn(ThreadRuntime runtime, Action run)
        {
            try
            {
                runtime.Spawn(() => Quietly(run));
            }
            catch (Exception)
            {
                // No thread can be started. `Held` and `End` say the same.
            }
        }

        /// <summary>What the program's own registrations throw must not end the process.</summary>
        private static void Quietly(Action run)
        {
            try
            {
                run();
            }
            catch (Exception)
            {
                // An AggregateException of what they threw.
            }
        }

        /// <summary>On a thread of its own: the pool may have none to spare.</summary>
        private static Task<T> OnThread<T>(Func<T> run, CancellationToken cancellation)
        {
            return Task.Factory.StartNew(run, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }
}
