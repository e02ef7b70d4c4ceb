using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using LicenseSessions;

/// <summary>What the program hands over may hang for as long as it likes: the session is kept, and ends in time.</summary>
[SideBySide]
internal static class ForeignCode
{
    [Cases]
    internal static IEnumerable<Case> Hanging()
    {
        yield return KeptAnd("a callback that hangs", (bot, hang) => bot.StatusChanged = status => hang());
        yield return KeptAnd("a logger that hangs", (bot, hang) => bot.Log = (level, text) => hang());
        yield return KeptAnd("a report that hangs", (bot, hang) => bot.Report = () => { hang(); return null; });
        yield return KeptAnd("a report whose metadata hangs", (bot, hang) => bot.Report = () => new SessionReport { Metadata = new HangingDictionary(hang) });
        yield return KeptAnd("a callback that throws", (bot, hang) => bot.StatusChanged = status => { throw new Exception("the program's own"); });
        yield return KeptAnd("a logger that throws", (bot, hang) => bot.Log = (level, text) => { throw new Exception("the program's own"); });
        yield return KeptAnd("a report that throws", (bot, hang) => bot.Report = () => { throw new Exception("the program's own"); });
    }

    [Test("handlers of the end, of a lost symbol, of the token and of the task may hang: each other one is called, and a release ends in time")]
    internal static void HangingHandlers()
    {
        using (var server = new FakeServer())
        using (var hanging = new Hang())
        {
            Session session = Session.Open(Sockets.Bot(server));
            var completed = new ManualResetEvent(false);
            session.Lost.Register(hanging.Now);
            session.Completion.ContinueWith(task =>
            {
                completed.Set();
                hanging.Now();
            }, System.Threading.Tasks.TaskContinuationOptions.ExecuteSynchronously);
            session.Ended += end => hanging.Now();
            Expect.Same("Released", session.Release().ToString());
            Expect.True(completed.WaitOne(60000), "the task was not completed");
            Expect.True(session.Lost.IsCancellationRequested, "the token was not cancelled");
        }
    }

    [Test("a transport that hangs is given up in time, and what it may have sent is released")]
    internal static void HangingTransport()
    {
        using (var server = new FakeServer())
        using (var hanging = new Hang())
        {
            var released = new ManualResetEvent(false);
            SessionOptions bot = Sockets.Bot(server);
            bot.OpenWithin = TimeSpan.FromMilliseconds(300);
            bot.Transport = request =>
            {
                if (request.Url.AbsolutePath.EndsWith("release")) released.Set();
                else hanging.Now();
                return new TransportResponse(500, null, null);
            };
            Expect.Same("no_answer_in_time", Expect.Throws<ServiceUnavailableException>(() => Session.Open(bot)).Problem);
            Expect.True(released.WaitOne(60000), "nothing was released");
        }
    }

    [Test("a handler of a request to release may release on its own thread, or keep")]
    internal static void ReleaseInHandler()
    {
        using (var server = new FakeServer())
        {
            server.Answer = request =>
            {
                Dictionary<string, object> body = FakeServer.Body(request);
                if (request.Ask == "heartbeat") body["release_asked_by"] = "lap...";
                return FakeServer.Json200(body);
            };
            var yielding = Session.Open(Sockets.Bot(server));
            var outcomes = new List<string>();
            var done = new ManualResetEvent(false);
            yielding.ReleaseRequested += request =>
            {
                outcomes.Add(request.Device + " " + yielding.Release());
                done.Set();
            };
            Expect.True(done.WaitOne(60000), "the handler did not come back");
            Expect.Same(new[] { "lap... Released" }, outcomes);

            using (var keeping = Session.Open(Sockets.Bot(server)))
            {
                keeping.ReleaseRequested += request => keeping.Keep();
                while (server.WaitFor("heartbeat").All(request => !request.Body.Has("keep"))) server.WaitFor("heartbeat", server.WaitFor("heartbeat").Count + 1);
                Expect.True(keeping.Held, "not held");
            }
        }
    }

    [Test("a handler of requests to release that comes late hears of one that lasts")]
    internal static void LateRequestHandler()
    {
        using (var server = new FakeServer())
        {
            server.Answer = request => FakeServer.Json200(FakeServer.Body(request).With("release_asked_by", "lap..."));
            using (Session session = Session.Open(Sockets.Bot(server)))
            {
                // The answer to the first has been read once the second is sent.
                server.WaitFor("heartbeat", 2);
                var called = new ManualResetEvent(false);
                session.ReleaseRequested += request => called.Set();
                Expect.True(called.WaitOne(60000), "it was not called");
            }
        }
    }

    [Test("of calls that wait behind one that hangs, a hundred are kept, and none that matters is dropped")]
    internal static void Queue()
    {
        using (var hanging = new Hang())
        {
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
            calls.Put(() => { hangs.Set(); hanging.Now(); }, true);
            hangs.WaitOne();
            for (int i = 0; i < 300; i++)
            {
                int number = i;
                calls.Put(() => made.Add(number), number != 5);
            }
            calls.Put(() => done.Set(), false);
            hanging.Dispose();
            Expect.True(done.WaitOne(60000), "the last was not made");
            Expect.Same(new[] { -1, 5 }.Concat(Enumerable.Range(202, 98)), made);
        }
    }

    [Test("a handler of the end that comes late is called at once")]
    internal static void LateHandler()
    {
        using (var server = new FakeServer())
        {
            Session session = Session.Open(Sockets.Bot(server));
            session.Release();
            var called = new ManualResetEvent(false);
            session.Ended += end => called.Set();
            Expect.True(called.WaitOne(60000), "it was not called");
            Expect.Same("Released (released)", session.Completion.Result.ToString());
        }
    }

    [Test("each loss is a warning, and neither key nor fingerprint stands in the log")]
    internal static void Warnings()
    {
        using (var server = new FakeServer())
        {
            server.Answer = request => request.Ask == "heartbeat" ? FakeServer.Http("500 Error", "{\"code\":\"session_taken\",\"active_device\":\"lap...\"}") : FakeServer.Usual(request);
            var lines = new List<string>();
            var warned = new ManualResetEvent(false);
            SessionOptions bot = Sockets.Bot(server);
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
    }

    /// <summary>What hangs costs no heartbeat; `WaitLost` and a release return in time.</summary>
    private static Case KeptAnd(string what, Action<SessionOptions, Action> give)
    {
        return new Case(what + " costs no heartbeat, and the release comes in time", () =>
        {
            using (var server = new FakeServer())
            using (var hanging = new Hang())
            {
                SessionOptions bot = Sockets.Bot(server);
                give(bot, hanging.Now);
                Session session = Session.Open(bot);
                server.WaitFor("heartbeat", 3);
                Expect.True(session.Held && !session.WaitLost(TimeSpan.Zero), "not held");
                Expect.Same("Released", session.Release().ToString());
                Expect.True(session.WaitLost(TimeSpan.Zero), "not over");
            }
        });
    }

    /// <summary>Hangs until the test is over.</summary>
    private sealed class Hang : IDisposable
    {
        private readonly ManualResetEvent _over = new ManualResetEvent(false);

        internal void Now()
        {
            _over.WaitOne();
        }

        public void Dispose()
        {
            _over.Set();
        }
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
