using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;

namespace LicenseSessions
{
    /// <summary>Releases the sessions that are open when the process ends.</summary>
    internal static class ProcessEnd
    {
        private const int OwnEndWithinMs = 500;

        private static readonly object Lock = new object();
        private static readonly HashSet<Life> Open = new HashSet<Life>();
        private static bool _listens;

        internal static void Enter(Life life)
        {
            lock (Lock)
            {
                Open.Add(life);
                if (_listens) return;
                _listens = true;
            }
            AppDomain.CurrentDomain.ProcessExit += (sender, end) => ReleaseAll();
            AppDomain.CurrentDomain.DomainUnload += (sender, end) => ReleaseAll();
            try
            {
                Console.CancelKeyPress += CtrlC;
            }
            catch (Exception)
            {
                // Where there is no console, there is no Ctrl-C.
            }
        }

        internal static void Leave(Life life)
        {
            lock (Lock) Open.Remove(life);
        }

        /// <summary>A handler before this one that cancels the end keeps the program, and its sessions, alive.</summary>
        private static void CtrlC(object sender, ConsoleCancelEventArgs pressed)
        {
            if (pressed.Cancel) return;
            ReleaseAll();
            // A program whose session is over may end by itself, and Mono hangs now and then when it ends twice at
            // the same moment.
            Thread.Sleep(OwnEndWithinMs);
        }

        /// <summary>Side by side, in 5 s at most.</summary>
        private static void ReleaseAll()
        {
            Life[] open;
            lock (Lock) open = Open.ToArray();
            foreach (Life life in open) life.BeginRelease();
            var clock = Stopwatch.StartNew();
            foreach (Life life in open)
            {
                double leftMs = Timing.ReleaseWithinMs - clock.ElapsedMilliseconds;
                double untilMs = life.Runtime.NowMs + leftMs;
                life.Runtime.Pause(() => life.IsFinished ? 0 : untilMs);
            }
        }
    }
}
