using System;
using System.Collections.Generic;

namespace LicenseSessions
{
    /// <summary>The environment of the client. Tests supply one with virtual time.</summary>
    internal interface IRuntime
    {
        /// <summary>
        /// The one lock of a session. No code of the program runs under it, and nothing waits under it but
        /// <see cref="Pause"/> itself.
        /// </summary>
        object Sync { get; }

        /// <summary>A monotonic clock in milliseconds. All times refer to it.</summary>
        long NowMs { get; }

        /// <summary>
        /// The wall clock, in milliseconds since 1970, which may be set. Where it gains on the monotonic
        /// clock, that one may have stood still, as in suspend or in a paused virtual machine.
        /// </summary>
        long WallMs { get; }

        /// <summary>From 0 up to 1.</summary>
        double Random();

        /// <summary>A new id: 32 hex characters.</summary>
        string RandomId();

        /// <summary>
        /// Returns at the given time. <paramref name="until"/> is called again periodically and when woken,
        /// under the lock.
        /// </summary>
        void Pause(Func<double> until);

        /// <summary>
        /// Posts JSON to a path below the service's address. Returns by the given time; a request that has
        /// not been sent by then is never sent. Never throws.
        /// </summary>
        Exchange Exchange(string path, byte[] body, Func<double> until);

        /// <summary>Runs code of the program on another thread: one call at a time, in order.</summary>
        /// <param name="call">the code, which may throw and hang</param>
        /// <param name="mayDrop">whether it may be dropped if earlier calls hang</param>
        void Call(Action call, bool mayDrop);

        /// <summary>The same for its log lines, apart, so that a logger that hangs costs nothing else.</summary>
        void Log(Action call);

        /// <summary>Runs something of this client on a thread of its own.</summary>
        /// <exception cref="Exception">no thread could be started</exception>
        void Spawn(Action run);

        /// <summary>Wakes all waiting threads, which then call their <c>until</c> again.</summary>
        void Wake();
    }

    /// <summary>A reading of both clocks.</summary>
    internal struct Instant
    {
        internal readonly long NowMs;
        /// <summary>How far the wall clock is ahead of the monotonic one.</summary>
        internal readonly long WallLeadMs;

        private Instant(long nowMs, long wallMs)
        {
            NowMs = nowMs;
            WallLeadMs = wallMs - nowMs;
        }

        /// <summary>
        /// Reads the monotonic clock last: a delay between the two readings then can't hide a pause.
        /// </summary>
        internal static Instant Of(IRuntime runtime)
        {
            long wallMs = runtime.WallMs;
            return new Instant(runtime.NowMs, wallMs);
        }
    }

    /// <summary>What came of a request: an answer of any kind, or a problem.</summary>
    internal sealed class Exchange
    {
        internal const string NoAnswerInTime = "no_answer_in_time";

        internal readonly int Status;
        internal readonly byte[] Body;
        /// <summary>By lower-case name.</summary>
        internal readonly IDictionary<string, string> Headers;
        /// <summary>Set if no answer came. The request may or may not have been carried out.</summary>
        internal readonly string Problem;
        internal readonly Exception Cause;
        /// <summary>Whether the problem will be the same at the next attempt, as with a foreign certificate.</summary>
        internal readonly bool CantPass;

        internal Exchange(int status, byte[] body, IDictionary<string, string> headers)
        {
            Status = status;
            Body = body;
            Headers = headers;
        }

        internal Exchange(string problem, Exception cause = null, bool cantPass = false)
        {
            Problem = problem;
            Cause = cause;
            CantPass = cantPass;
        }
    }
}
