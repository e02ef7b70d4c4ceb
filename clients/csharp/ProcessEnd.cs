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
        /// <summary>Set once the process has begun to end.</summary>
        private static readonly ManualResetEvent Ending = new ManualResetEvent(false);
        private static bool _listens;

        internal static void Enter(Life life)
        {
            lock (Lock)
            {
                Open.Add(life);
                if (_listens) return;
                _listens = true;
            }
            AppDomain.CurrentDomain.ProcessExit += (sender, end) =>
            {
                Ending.Set();
                ReleaseAll();
            };
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
            if (pressed.Cancel)
            {
                foreach (Life life in All()) life.Notifier.Say(LogLevel.Warning, "Ctrl-C is left to the program, which handles it: the session is held until it is released");
                return;
            }
            ReleaseAll();
            // A program whose session is over may end by itself, and Mono hangs now and then when it is told to end
            // a second time meanwhile.
            if (Ending.WaitOne(OwnEndWithinMs)) Thread.Sleep(Timeout.Infinite);
        }

        private static Life[] All()
        {
            lock (Lock) return Open.ToArray();
        }

        /// <summary>Side by side, in 5 s at most.</summary>
        private static void ReleaseAll()
        {
            Life[] open = All();
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
