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

        private const double ThreadsEndWithinMs = 500;

        /// <summary>Under this name, all copies of this client in the process begin to release their sessions.</summary>
        private const string Copies = "license-session.process-end.1";

        private struct Entry
        {
            internal Life Life;
            internal ThreadRuntime Runtime;
        }

        private static readonly object Lock = new object();
        private static readonly List<Entry> Entries = new List<Entry>();
        /// <summary>Set once the process has begun to end.</summary>
        private static readonly ManualResetEvent Ending = new ManualResetEvent(false);
        private static bool _listens;
        private static bool _hearsCtrlC;

        /// <summary>A life stays entered until its threads have ended.</summary>
        internal static void Enter(Life life, ThreadRuntime runtime)
        {
            bool listens, hearsCtrlC;
            lock (Lock)
            {
                Entries.RemoveAll(entry => entry.Life.IsFinished && entry.Runtime.HasEnded);
                Entries.Add(new Entry { Life = life, Runtime = runtime });
                listens = _listens;
                hearsCtrlC = _hearsCtrlC || !life.Settings.ReleaseAtExit;
                _listens = true;
                _hearsCtrlC |= !hearsCtrlC;
            }
            if (!listens) Listen();
            if (!hearsCtrlC) HearCtrlC();
        }

        private static void Listen()
        {
            // An interned string is the same object for all copies.
            lock (string.Intern(Copies))
            {
                AppDomain.CurrentDomain.SetData(Copies, (Action)AppDomain.CurrentDomain.GetData(Copies) + BeginAll);
            }
            AppDomain.CurrentDomain.ProcessExit += (sender, end) =>
            {
                Ending.Set();
                ReleaseAll();
            };
            AppDomain.CurrentDomain.DomainUnload += (sender, end) => ReleaseAll();
        }

        private static void HearCtrlC()
        {
            try
            {
                Console.CancelKeyPress += CtrlC;
            }
            catch (Exception)
            {
                // Where there is no console, there is no Ctrl-C.
            }
        }

        /// <summary>A handler before this one that cancels the end keeps the program, and its sessions, alive.</summary>
        private static void CtrlC(object sender, ConsoleCancelEventArgs pressed)
        {
            if (pressed.Cancel)
            {
                foreach (Entry entry in Unfinished())
                {
                    entry.Life.Notifier.Say(LogLevel.Warning, "Ctrl-C is left to the program, which handles it: the session is held until it is released");
                }
                return;
            }
            ReleaseAll();
            // A program whose session is over may end by itself, and Mono hangs now and then when it is told to end
            // a second time meanwhile.
            if (Ending.WaitOne(OwnEndWithinMs)) Thread.Sleep(Timeout.Infinite);
        }

        private static Entry[] Unfinished()
        {
            lock (Lock) return Entries.Where(entry => entry.Life.Settings.ReleaseAtExit && !entry.Life.IsFinished).ToArray();
        }

        private static void BeginAll()
        {
            foreach (Entry entry in Unfinished()) entry.Life.BeginRelease();
        }

        /// <summary>Side by side, in 5 s at most. Each copy waits for its own sessions.</summary>
        private static void ReleaseAll()
        {
            Entry[] open = Unfinished();
            ((Action)AppDomain.CurrentDomain.GetData(Copies))();
            var clock = Stopwatch.StartNew();
            foreach (Entry entry in open)
            {
                Life life = entry.Life;
                double untilMs = life.Runtime.NowMs + Timing.ReleaseWithinMs - clock.ElapsedMilliseconds;
                life.Runtime.Pause(() => life.IsFinished ? 0 : untilMs);
            }
            // Mono hangs now and then when it ends while a thread is about to.
            Entry[] finished;
            lock (Lock) finished = Entries.Where(entry => entry.Life.IsFinished).ToArray();
            clock.Restart();
            foreach (Entry entry in finished) entry.Runtime.Join(ThreadsEndWithinMs - clock.ElapsedMilliseconds);
        }
    }
}
