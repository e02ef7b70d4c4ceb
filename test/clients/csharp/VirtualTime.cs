using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

/// <summary>
/// Time that passes only from one thing to do to the next. Of all threads that it starts, one runs at a time,
/// until it pauses.
/// </summary>
internal sealed class VirtualTime
{
    internal const int Program = 0;
    internal const int Probe = 1;

    private sealed class Worker
    {
        internal readonly SemaphoreSlim Go = new SemaphoreSlim(0);
        internal Func<double> Until = () => 0;
        internal bool IsDone;
        internal Exception Error;
    }

    private struct Event
    {
        internal double AtMs;
        internal int Rank;
        internal Action Run;
    }

    [ThreadStatic]
    private static Worker _current;

    private readonly SemaphoreSlim _back = new SemaphoreSlim(0);
    private readonly List<Worker> _workers = new List<Worker>();
    private readonly List<Event> _events = new List<Event>();
    private readonly IList<double[]> _asleep;

    /// <param name="asleep">spans in which nothing runs</param>
    internal VirtualTime(IList<double[]> asleep)
    {
        _asleep = asleep;
    }

    internal double NowMs { get; private set; }

    internal void At(double ms, int rank, Action run)
    {
        _events.Add(new Event { AtMs = ms, Rank = rank, Run = run });
    }

    internal void Spawn(Action run)
    {
        var worker = new Worker();
        _workers.Add(worker);
        new Thread(() =>
        {
            worker.Go.Wait();
            _current = worker;
            try
            {
                run();
            }
            catch (Exception error)
            {
                worker.Error = error;
            }
            worker.IsDone = true;
            _back.Release();
        }) { IsBackground = true }.Start();
    }

    internal void Pause(Func<double> until)
    {
        Worker worker = _current;
        if (worker == null) throw new InvalidOperationException("Nothing may pause but what was spawned");
        if (until() <= NowMs) return;
        worker.Until = until;
        _back.Release();
        worker.Go.Wait();
    }

    /// <summary>Runs until nothing is left to do.</summary>
    internal void Run()
    {
        for (int steps = 0; steps < 100000; steps++)
        {
            Worker ready = _workers.FirstOrDefault(worker => worker.Until() <= NowMs);
            if (ready != null)
            {
                Step(ready);
                continue;
            }
            double wakesMs = _workers.Count == 0 ? double.PositiveInfinity : _workers.Min(worker => worker.Until());
            if (_events.Count > 0)
            {
                Event next = _events.OrderBy(one => one.AtMs).ThenBy(one => one.Rank).First();
                if (next.AtMs < wakesMs || (next.AtMs == wakesMs && next.Rank == Program))
                {
                    _events.Remove(next);
                    PassTo(next.AtMs);
                    next.Run();
                    continue;
                }
            }
            if (double.IsPositiveInfinity(wakesMs)) return;
            PassTo(Math.Ceiling(wakesMs));
        }
        throw new Exception("It does not come to an end");
    }

    private void Step(Worker worker)
    {
        worker.Go.Release();
        _back.Wait();
        if (!worker.IsDone) return;
        _workers.Remove(worker);
        if (worker.Error != null) throw new Exception("A thread of the client ended by an error", worker.Error);
    }

    private void PassTo(double plannedMs)
    {
        double[] sleep = _asleep.FirstOrDefault(span => plannedMs > span[0] && plannedMs < span[1]);
        NowMs = Math.Max(NowMs, sleep == null ? plannedMs : sleep[1]);
    }
}
