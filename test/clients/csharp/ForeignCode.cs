using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using LicenseSessions;

/// <summary>What the program hands over may hang for as long as it likes: the session is kept, and ends in time.</summary>
[SideBySide]
internal static class ForeignCode
{
    [Cases]
    internal static IEnumerable<Case> Hanging()
    {
        const string late = "The report took too long; the heartbeat is sent without it";
        yield return KeptAnd("a callback that hangs", null, (bot, hang) => bot.StatusChanged = status => hang());
        yield return KeptAnd("a logger that hangs", null, (bot, hang) => bot.Log = (level, text) => hang());
        yield return KeptAnd("a report that hangs", late, (bot, hang) => bot.Report = () => { hang(); return null; });
        yield return KeptAnd("a report whose metadata hangs", late, (bot, hang) => bot.Report = () => new SessionReport { Metadata = new HangingDictionary(hang) });
        yield return KeptAnd("a callback that throws", "SessionOptions.StatusChanged failed: System.Exception: its own", (bot, hang) => bot.StatusChanged = status => Throw());
        yield return KeptAnd("a logger that throws", null, (bot, hang) => bot.Log = (level, text) => Throw());
        yield return KeptAnd("a report that throws", "The report failed; the heartbeat is sent without it: System.Exception: its own", (bot, hang) => bot.Report = () => { Throw(); return null; });
    }

    [Test("a report that the service can't read, the loss of a symbol and each handler that fails is a warning")]
    internal static void FailingHandlers(FakeServer server)
    {
        var listening = new ManualResetEvent(false);
        server.Answer = request =>
        {
            if (request.Ask != "heartbeat") return FakeServer.Usual(request);
            listening.WaitOne();
            if (request.Body.Has("status")) return FakeServer.Http("400 Bad Request", "{\"code\":\"bad_request\",\"field\":\"status\"}");
            string rest = request.Body.List("symbols").Count == 1 ? "" : ",\"symbols_held\":[\"ES\"],\"release_asked_by\":\"lap...\",\"session_timeout_seconds\":10,\"held_for_seconds\":9.5";
            return FakeServer.Http("500 Error", "{\"code\":\"session_taken\"" + rest + "}");
        };
        var warnings = new Warnings();
        SessionOptions bot = server.Bot();
        bot.Symbol = null;
        bot.Symbols = new[] { "ES", "NQ" };
        bot.Report = () => new SessionReport { Status = "unreadable" };
        bot.Log = warnings.Take;
        using (Session session = Session.Open(bot))
        {
            session.SymbolLost += loss => Throw();
            session.ReleaseRequested += request => Throw();
            session.Ended += end => Throw();
            listening.Set();
            foreach (string warning in new[]
            {
                "The service can't read the report (bad_request status): from now on, heartbeats are sent without one",
                "lost NQ (session_not_found); the others go on", "Session.SymbolLost failed: System.Exception: its own",
                "Session.ReleaseRequested failed: System.Exception: its own", "over: Taken (session_taken)", "Session.Ended failed: System.Exception: its own",
            }) warnings.WaitFor("License session ES, NQ: " + warning);
        }
    }

    private static void Throw()
    {
        throw new Exception("its own");
    }

    /// <summary>The warnings of a log.</summary>
    private sealed class Warnings
    {
        private readonly List<string> _texts = new List<string>();

        internal void Take(LogLevel level, string text)
        {
            if (level != LogLevel.Warning) return;
            lock (_texts)
            {
                _texts.Add(text);
                Monitor.PulseAll(_texts);
            }
        }

        internal void WaitFor(string beginning)
        {
            lock (_texts)
            {
                while (!_texts.Any(text => text.StartsWith(beginning)))
                {
                    Expect.True(Monitor.Wait(_texts, 60000), "no warning \"" + beginning + "\", but " + string.Join("\n", _texts));
                }
            }
        }
    }

    [Test("handlers of the end, of a lost symbol, of the token and of the task may hang: each other one is called, and a release ends in time")]
    internal static void HangingHandlers(FakeServer server)
    {
        Session session = Session.Open(server.Bot());
        var completed = new ManualResetEvent(false);
        session.Lost.Register(server.Hang);
        session.Completion.ContinueWith(task =>
        {
            completed.Set();
            server.Hang();
        }, System.Threading.Tasks.TaskContinuationOptions.ExecuteSynchronously);
        session.Ended += end => server.Hang();
        Expect.Same("Released", session.Release().ToString());
        Expect.True(completed.WaitOne(60000), "the task was not completed");
        Expect.True(session.Lost.IsCancellationRequested, "the token was not cancelled");
    }

    [Test("a transport that hangs is given up in time, and what it may have sent is released")]
    internal static void HangingTransport(FakeServer server)
    {
        var released = new ManualResetEvent(false);
        SessionOptions bot = server.Bot();
        bot.OpenWithin = TimeSpan.FromMilliseconds(300);
        bot.Transport = request =>
        {
            if (request.Url.AbsolutePath.EndsWith("release")) released.Set();
            else server.Hang();
            return new TransportResponse(500, null, null);
        };
        Expect.Same("no_answer_in_time", Expect.Throws<ServiceUnavailableException>(() => Session.Open(bot)).Problem);
        Expect.True(released.WaitOne(60000), "nothing was released");
    }

    [Test("a claim of which a transport says that the host can't be reached may have been granted all the same: it is released")]
    internal static void StoredAndUnreachable(FakeServer server)
    {
        using (var cancelling = new CancellationTokenSource())
        {
            SessionOptions bot = server.Bot();
            bot.Transport = request =>
            {
                TransportResponse response = HttpTransport.Send(request, new Attempt());
                if (request.Url.AbsolutePath.EndsWith("release")) return response;
                throw new SocketException((int)SocketError.HostUnreachable);
            };
            bot.StatusChanged = status => cancelling.Cancel();
            Expect.Throws<OperationCanceledException>(() => Session.Open(bot, cancelling.Token));
            object claim = server.Asked[0].Body, release = server.WaitFor("release")[0].Body;
            foreach (string name in new[] { "run_id", "claim_number" }) Expect.Same(claim.Get(name), release.Get(name), name);
        }
    }

    [Test("a handler of a request to release may release on its own thread, or keep")]
    internal static void ReleaseInHandler(FakeServer server)
    {
        server.Answer = request =>
        {
            Dictionary<string, object> body = FakeServer.Body(request);
            if (request.Ask == "heartbeat") body["release_asked_by"] = "lap...";
            return FakeServer.Json200(body);
        };
        var yielding = Session.Open(server.Bot());
        var outcomes = new List<string>();
        var done = new ManualResetEvent(false);
        yielding.ReleaseRequested += request =>
        {
            outcomes.Add(request.Device + " " + yielding.Release());
            done.Set();
        };
        Expect.True(done.WaitOne(60000), "the handler did not come back");
        Expect.Same(new[] { "lap... Released" }, outcomes);

        using (var keeping = Session.Open(server.Bot()))
        {
            keeping.ReleaseRequested += request => keeping.Keep();
            while (server.WaitFor("heartbeat").All(request => !request.Body.Has("keep"))) server.WaitFor("heartbeat", server.WaitFor("heartbeat").Count + 1);
            Expect.True(keeping.Held, "not held");
        }
    }

    [Test("a handler of requests to release that comes late hears of one that lasts")]
    internal static void LateRequestHandler(FakeServer server)
    {
        server.Answer = request => FakeServer.Json200(FakeServer.Body(request).With("release_asked_by", "lap..."));
        using (Session session = Session.Open(server.Bot()))
        {
            // The answer to the first has been read once the second is sent.
            server.WaitFor("heartbeat", 2);
            var called = new ManualResetEvent(false);
            session.ReleaseRequested += request => called.Set();
            Expect.True(called.WaitOne(60000), "it was not called");
        }
    }

    [Test("of calls that wait behind one that hangs, a hundred are kept, and none that matters is dropped")]
    internal static void Queue()
    {
        var over = new ManualResetEvent(false);
        var made = new List<int>();
        var done = new ManualResetEvent(false);
        var calls = new ProgramCalls(run =>
        {
            var thread = new Thread(() => run()) { IsBackground = true };
            thread.Start();
            return thread;
        }, () => { });
        calls.Put(() => made.Add(-1), false);
        while (!calls.IsIdle) Thread.Yield();
        var hangs = new ManualResetEvent(false);
        calls.Put(() => { hangs.Set(); over.WaitOne(); }, true);
        hangs.WaitOne();
        for (int i = 0; i < 300; i++)
        {
            int number = i;
            calls.Put(() => made.Add(number), number != 5);
        }
        calls.Put(() => done.Set(), false);
        over.Set();
        Expect.True(done.WaitOne(60000), "the last was not made");
        Expect.Same(new[] { -1, 5 }.Concat(Enumerable.Range(202, 98)), made);
    }

    [Test("a handler of the end that comes late is called at once")]
    internal static void LateHandler(FakeServer server)
    {
        Session session = Session.Open(server.Bot());
        session.Release();
        var called = new ManualResetEvent(false);
        session.Ended += end => called.Set();
        Expect.True(called.WaitOne(60000), "it was not called");
        Expect.Same("Released (released)", session.Completion.Result.ToString());
    }

    [Test("each loss is a warning, and neither key nor fingerprint stands in the log")]
    internal static void Losses(FakeServer server)
    {
        server.Answer = request => request.Ask == "heartbeat" ? FakeServer.Http("500 Error", "{\"code\":\"session_taken\",\"active_device\":\"lap...\"}") : FakeServer.Usual(request);
        var lines = new List<string>();
        var warned = new ManualResetEvent(false);
        SessionOptions bot = server.Bot();
        bot.LicenseKey = "SECRET-KEY";
        bot.DeviceFingerprint = "secret-device";
        bot.Log = (level, text) =>
        {
            lines.Add(level + " " + text);
            if (level == LogLevel.Warning) warned.Set();
        };
        Session session = Session.Open(bot);
        Expect.True(session.WaitLost(TimeSpan.FromSeconds(60)) && warned.WaitOne(60000), "no warning came");
        Expect.Same(new[] { "Info License session ES: held; the right lasts N s", "Warning License session ES: over: Taken (session_taken), held by lap..." },
            lines.Select(line => System.Text.RegularExpressions.Regex.Replace(line, "\\d\\.\\d s", "N s")));
        Expect.Same("NotHeld", session.Release().ToString());
    }

    /// <summary>What hangs costs no heartbeat; `WaitLost` and a release return in time.</summary>
    private static Case KeptAnd(string what, string warning, Action<SessionOptions, Action> give)
    {
        return new Case(what + " costs no heartbeat, and the release comes in time" + (warning == null ? "" : "; a warning says so"), server =>
        {
            var warnings = new Warnings();
            SessionOptions bot = server.Bot();
            bot.Log = warnings.Take;
            give(bot, server.Hang);
            Session session = Session.Open(bot);
            server.WaitFor("heartbeat", 3);
            Expect.True(session.Held && !session.WaitLost(TimeSpan.Zero), "not held");
            Expect.Same("Released", session.Release().ToString());
            Expect.True(session.WaitLost(TimeSpan.Zero), "not over");
            if (warning != null) warnings.WaitFor("License session ES: " + warning);
        });
    }

    private sealed class HangingDictionary : Dictionary<string, object>, IDictionary
    {
        private readonly Action _hang;

        internal HangingDictionary(Action hang)
        {
            _hang = hang;
        }

        IDictionaryEnumerator IDictionary.GetEnumerator()
        {
            _hang();
            throw new InvalidOperationException();
        }
    }
}
