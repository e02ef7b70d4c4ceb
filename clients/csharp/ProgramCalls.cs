using System;
using System.Collections.Generic;
using System.Threading;

namespace LicenseSessions
{
    /// <summary>
    /// Calls the program's own code, which may be slow, hang or throw without harming the session: one call
    /// at a time, in order, on a thread that is started for the first one.
    /// </summary>
    internal sealed class ProgramCalls
    {
        /// <summary>The most calls that are queued behind one that does not return.</summary>
        private const int LongestQueue = 100;

        private struct Call
        {
            internal Action Run;
            internal bool MayDrop;
        }

        private readonly Func<Action, Thread> _startThread;
        private readonly Action _returned;
        private readonly object _lock = new object();
        private readonly LinkedList<Call> _queue = new LinkedList<Call>();
        private Thread _thread;
        private bool _busy;
        private bool _closed;

        /// <param name="startThread">starts a thread for what it is given</param>
        /// <param name="returned">called after each call</param>
        internal ProgramCalls(Func<Action, Thread> startThread, Action returned)
        {
            _startThread = startThread;
            _returned = returned;
        }

        /// <summary>Queues a call. If the queue is full, the oldest that may be dropped is.</summary>
        internal void Put(Action call, bool mayDrop)
        {
            lock (_lock)
            {
                _queue.AddLast(new Call { Run = call, MayDrop = mayDrop });
                if (_queue.Count > LongestQueue) DropOldest();
                if (_thread == null) Start();
                Monitor.PulseAll(_lock);
            }
        }

        /// <summary>Whether every call has returned.</summary>
        internal bool IsIdle
        {
            get { lock (_lock) return !_busy && _queue.Count == 0; }
        }

        /// <summary>Whether the program is being called on this very thread.</summary>
        internal bool IsOwnThread
        {
            get { return Thread.CurrentThread == _thread; }
        }

        /// <summary>Stops the thread after the queued calls have been made.</summary>
        internal void Close()
        {
            lock (_lock)
            {
                _closed = true;
                Monitor.PulseAll(_lock);
            }
        }

        private void Start()
        {
            try
            {
                _thread = _startThread(Work);
            }
            catch (Exception)
            {
                // No thread: tried again at the next call. The session works without.
            }
        }

        private void DropOldest()
        {
            for (LinkedListNode<Call> node = _queue.First; node != null; node = node.Next)
            {
                if (!node.Value.MayDrop) continue;
                _queue.Remove(node);
                return;
            }
        }

        private void Work()
        {
            while (true)
            {
                Action call;
                lock (_lock)
                {
                    _busy = false;
                    while (_queue.Count == 0 && !_closed) Monitor.Wait(_lock);
                    if (_queue.Count == 0)
                    {
                        // A call that comes later is made by a new thread.
                        _thread = null;
                        return;
                    }
                    call = _queue.First.Value.Run;
                    _queue.RemoveFirst();
                    _busy = true;
                }
                try
                {
                    call();
                }
                catch (Exception)
                {
                    // Callers handle what their calls throw. What a logger throws is nobody's concern.
                }
                lock (_lock) _busy = false;
                _returned();
            }
        }
    }
}
