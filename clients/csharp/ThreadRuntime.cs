using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

namespace LicenseSessions
{
    /// <summary>
    /// The real runtime: threads, clocks, and a transport. Everything runs on threads of its own, because the
    /// pool belongs to the program, which may have every thread of it busy.
    /// </summary>
    internal sealed class ThreadRuntime : IRuntime
    {
        internal static readonly string UserAgent =
            "license-session-csharp/" + typeof(ThreadRuntime).Assembly.GetName().Version.ToString(3) + " CLR/" + Environment.Version;

        /// <summary>Waits are split into slices of this length, so that waking from sleep is noticed soon.</summary>
        private const double SliceMs = 1000;

        private static readonly DateTime Epoch = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

        private readonly Uri _url;
        private readonly Transport _transport;
        private readonly object _sync = new object();
        private readonly Random _random = new Random(BitConverter.ToInt32(Ids.Bytes(4), 0));
        private readonly List<Thread> _threads = new List<Thread>();
        private readonly ProgramCalls _calls;
        private readonly ProgramCalls _logs;

        internal ThreadRuntime(Uri url, Transport transport)
        {
            _url = url;
            _transport = transport;
            _calls = new ProgramCalls(run => Start("license-session-callbacks", run), Wake);
            _logs = new ProgramCalls(run => Start("license-session-log", run), Wake);
        }

        public object Sync
        {
            get { return _sync; }
        }

        public long NowMs
        {
            get { return (long)(Stopwatch.GetTimestamp() * (1000.0 / Stopwatch.Frequency)); }
        }

        public long WallMs
        {
            get { return (DateTime.UtcNow - Epoch).Ticks / TimeSpan.TicksPerMillisecond; }
        }

        public double Random()
        {
            lock (_random) return _random.NextDouble();
        }

        public string RandomId()
        {
            return Ids.New();
        }

        public void Pause(Func<double> until)
        {
            lock (_sync)
            {
                while (true)
                {
                    double leftMs = until() - NowMs;
                    if (leftMs <= 0) return;
                    Monitor.Wait(_sync, (int)Math.Ceiling(Math.Min(leftMs, SliceMs)));
                }
            }
        }

        public void Wake()
        {
            lock (_sync) Monitor.PulseAll(_sync);
        }

        public void Call(Action call, bool mayDrop)
        {
            _calls.Put(call, mayDrop);
        }

        public void Log(Action call)
        {
            _logs.Put(call, true);
        }

        public void Spawn(Action run)
        {
            Start("license-session", run);
        }

        private Thread Start(string name, Action run)
        {
            var thread = new Thread(() => run()) { Name = name, IsBackground = true };
            lock (_threads)
            {
                _threads.RemoveAll(one => !one.IsAlive);
                thread.Start();
                _threads.Add(thread);
            }
            return thread;
        }

        /// <summary>Whether none of its threads runs any more.</summary>
        internal bool HasEnded
        {
            get { lock (_threads) return _threads.All(thread => !thread.IsAlive); }
        }

        /// <summary>Waits until its threads have ended, but no longer than this.</summary>
        internal void Join(double withinMs)
        {
            Thread[] threads;
            lock (_threads) threads = _threads.Where(thread => thread != Thread.CurrentThread).ToArray();
            var clock = Stopwatch.StartNew();
            foreach (Thread thread in threads) thread.Join((int)Math.Max(0, withinMs - clock.ElapsedMilliseconds));
        }

        public Exchange Exchange(string path, byte[] body, Func<double> until)
        {
            // Runs on a separate thread, so that neither a slow name resolution nor an answer that arrives byte
            // by byte can delay the caller beyond its time limit.
            double leftMs;
            lock (_sync) leftMs = until() - NowMs;
            if (leftMs <= 0) return new Exchange(LicenseSessions.Exchange.NoAnswerInTime);
            var headers = new Dictionary<string, string> { { "content-type", "application/json" }, { "user-agent", UserAgent } };
            var request = new TransportRequest(new Uri(_url, path), headers, body, TimeSpan.FromMilliseconds(Math.Min(leftMs, 3600000)));
            var attempt = new Attempt();
            Exchange result = null;
            try
            {
                Spawn(() =>
                {
                    Exchange tried = Try(request, attempt);
                    lock (_sync)
                    {
                        result = tried;
                        Monitor.PulseAll(_sync);
                    }
                });
            }
            catch (Exception error)
            {
                return new Exchange("no thread could be started: " + error.Message, error);
            }
            Pause(() => result == null ? until() : 0);
            lock (_sync)
            {
                if (result != null) return result;
            }
            // A result that arrives after this is only the effect of giving up.
            attempt.GiveUp();
            return new Exchange(LicenseSessions.Exchange.NoAnswerInTime);
        }

        /// <summary>Whether no callback is running that could be waited for.</summary>
        internal bool IsIdle
        {
            get { return _calls.IsOwnThread || _calls.IsIdle; }
        }

        /// <summary>Stops the threads of the callbacks after the queued calls have been made.</summary>
        internal void Close()
        {
            _calls.Close();
            _logs.Close();
        }

        private Exchange Try(TransportRequest request, Attempt attempt)
        {
            try
            {
                TransportResponse response = _transport == null ? HttpTransport.Send(request, attempt) : _transport(request);
                return new Exchange(response.Status, response.Body ?? new byte[0], LowerCased(response.Headers));
            }
            catch (AuthenticationException error)
            {
                return new Exchange("the server's certificate or TLS is not accepted: " + Innermost(error).Message, error, true);
            }
            catch (Exception error)
            {
                // There are many kinds, and none may end the process.
                var socketError = Innermost(error) as SocketException;
                SocketError? code = socketError == null ? (SocketError?)null : socketError.SocketErrorCode;
                // Mono says WouldBlock where a socket's own time limit has passed.
                bool isLate = error is TimeoutException || code == SocketError.TimedOut || code == SocketError.WouldBlock;
                return new Exchange(isLate ? LicenseSessions.Exchange.NoAnswerInTime : error.Message, error);
            }
        }

        private static Exception Innermost(Exception error)
        {
            while (error.InnerException != null) error = error.InnerException;
            return error;
        }

        private static IDictionary<string, string> LowerCased(IDictionary<string, string> headers)
        {
            var lower = new Dictionary<string, string>();
            if (headers == null) return lower;
            foreach (KeyValuePair<string, string> header in headers) lower[header.Key.ToLowerInvariant()] = header.Value;
            return lower;
        }
    }

    /// <summary>Random ids.</summary>
    internal static class Ids
    {
        /// <summary>32 hex characters.</summary>
        internal static string New()
        {
            var text = new StringBuilder();
            foreach (byte b in Bytes(16)) text.Append(b.ToString("x2"));
            return text.ToString();
        }

        internal static byte[] Bytes(int count)
        {
            var bytes = new byte[count];
            using (RandomNumberGenerator random = RandomNumberGenerator.Create()) random.GetBytes(bytes);
            return bytes;
        }
    }
}
