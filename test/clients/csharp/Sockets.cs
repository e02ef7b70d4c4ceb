using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using LicenseSessions;

/// <summary>The client on real sockets: what it sends, what it takes for an answer, and what ends its patience.</summary>
internal static class Sockets
{
    [Test("a session is opened, kept and released by requests of its own session, each on a new connection")]
    internal static void OrdinaryLife(FakeServer server)
    {
        Session session = Session.Open(server.Bot());
        Expect.True(session.Held && session.RightLasts.TotalSeconds <= 9.5 && session.Holds("es") && !session.Holds("NQ"), "not held");
        Expect.Same(new object[] { "session-1", 7, new[] { "ES" }, null }, new object[] { session.SessionId, session.FencingToken, session.Symbols, session.End });
        server.WaitFor("heartbeat", 2);
        Expect.Same("Released", session.Release().ToString());
        Expect.Same("Released", session.Release().ToString(), "the second time");
        Expect.True(!session.Held && session.WaitLost(TimeSpan.Zero) && session.Completion.Wait(60000), "not over");
        Expect.Same(1, server.Asked.Count(request => request.Ask == "release"));
        object claim = server.Asked[0].Body, beat = server.WaitFor("heartbeat")[0].Body, release = server.WaitFor("release")[0].Body;
        Expect.Same(new object[] { "KEY", "device", "ES" }, new[] { claim.Get("license_key"), claim.Get("device_fingerprint"), claim.Get("symbol") });
        Expect.True(claim.Text("run_id").Length == 32 && claim.Number("claim_number") >= 1, "the claim has no name");
        Expect.Same(new[] { "session-1", "session-1" }, new[] { beat.Get("session_id"), release.Get("session_id") });
    }

    [Test("a request asks for no leave to go on, for no redirect and for no compression")]
    internal static void Headers(FakeServer server)
    {
        using (Session.Open(server.Bot()))
        {
            Request claim = server.Asked[0];
            Expect.Same("POST /api/validate-license HTTP/1.1", claim.Line);
            Expect.True(!claim.Headers.ContainsKey("expect"), "Expect was sent");
            Expect.Same(new[] { "close", "identity", "application/json", "127.0.0.1:" + server.Port }, new[] { "connection", "accept-encoding", "content-type", "host" }.Select(name => claim.Headers[name]));
            Expect.True(claim.Headers["user-agent"].StartsWith("license-session-csharp/"), claim.Headers["user-agent"]);
        }
    }

    [Cases]
    internal static IEnumerable<Case> Answers()
    {
        string body = Json.Write(FakeServer.Body(new Request { Line = "POST /api/validate-license" }));
        string chunks = body.Length.ToString("x") + ";x=1\r\n" + body + "\r\n0\r\nTrailer: x\r\n\r\n";
        yield return Taken("with its length", FakeServer.Http("200 OK", body));
        yield return Taken("until the connection is closed", "HTTP/1.0 200 OK\r\n\r\n" + body);
        yield return Taken("in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
        yield return Taken("after a 100 that nobody asked for", "HTTP/1.1 100 Continue\r\n\r\n" + FakeServer.Http("200 OK", body));
        yield return Taken("with bare line feeds", "HTTP/1.1 200 OK\nContent-Length: " + body.Length + "\n\n" + body);
        yield return Taken("compressed by a proxy, as gzip", Packed("gzip", body, stream => new GZipStream(stream, CompressionMode.Compress, true)));
        yield return Taken("compressed by a proxy, as deflate", Packed("deflate", body, stream => new DeflateStream(stream, CompressionMode.Compress, true)));
        yield return Refused("cut off", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + body, "the connection was closed before the answer was whole");
        yield return Refused("a chunk that is cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body.Length.ToString("x") + "\r\n" + body.Substring(9), "the connection was closed before the answer was whole");
        yield return Refused("none at all", "", "the connection was closed without an answer");
        yield return Refused("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "the answer is not HTTP/1.1");
        yield return Refused("too long", "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n" + body, "the answer is longer than 1 MiB");
        yield return Refused("too long, without a length", "HTTP/1.1 200 OK\r\n\r\n" + new string(' ', 1048577), "the answer is longer than 1 MiB");
        yield return Refused("headers without end", "HTTP/1.1 200 OK\r\nX: " + new string('x', 70000), "the answer is longer than 1 MiB");
        yield return Refused("a bomb", Packed("gzip", new string(' ', 2000000), stream => new GZipStream(stream, CompressionMode.Compress, true)), "the answer is longer than 1 MiB");
        yield return Refused("compressed in another way", FakeServer.Http("200 OK", body, "Content-Encoding: br\r\n"), "the answer is compressed as br, which was not asked for");
        yield return Refused("a redirect, which is not followed", FakeServer.Http("302 Found", "", "Location: /elsewhere\r\n"), "HTTP 302");
        yield return Refused("a captive portal", FakeServer.Http("200 OK", "<html>"), "HTTP 200");
        yield return Refused("a 201 that grants", FakeServer.Http("201 Created", body), "granted");
    }

    [Test("a name with several addresses is tried at each of them")]
    internal static void SecondAddress(FakeServer server)
    {
        SessionOptions bot = server.Bot();
        // ::1 comes first where the machine has it, and nobody listens there.
        bot.Url = "http://localhost:" + server.Port + "/";
        Session.Open(bot).Release();
        Expect.Same("localhost:" + server.Port, server.Asked[0].Headers["host"]);
    }

    [Test("each request looks the name up: after an address moved, the session goes on at the new one")]
    internal static void MovedAddress()
    {
        using (var first = new FakeServer())
        using (var second = new FakeServer(IPAddress.Parse("127.0.0.2"), first.Port))
        using (var names = new Names("127.0.0.1"))
        {
            Session session = Session.Open(Named(first));
            first.Answer = request => FakeServer.Http("401 Unauthorized", "{\"message\":\"?\"}");
            names.Address = "127.0.0.2";
            second.WaitFor("heartbeat", 2);
            Expect.True(session.Held, "not held");
            Expect.Same("Released", session.Release().ToString());
            second.WaitFor("release");
        }
    }

    [Test("a name server that is slower than a request may be opens, because later attempts may take longer; what was given up is not sent")]
    internal static void SlowNames(FakeServer server)
    {
        using (new Names("127.0.0.1") { TakesMs = 250 })
        {
            SessionOptions bot = Named(server);
            bot.RequestTimeout = TimeSpan.FromMilliseconds(200);
            var problems = new List<string>();
            bot.StatusChanged = status => problems.Add(status.Problem);
            Session session = Session.Open(bot);
            Expect.Same(1, server.Asked.Count(request => request.Ask == "validate-license"));
            session.Release();
            Expect.Same("no_answer_in_time", problems[0]);
        }
    }

    private static SessionOptions Named(FakeServer server)
    {
        SessionOptions bot = server.Bot();
        bot.Url = "http://license.example:" + server.Port;
        return bot;
    }

    /// <summary>A name server, until it is disposed of.</summary>
    private sealed class Names : IDisposable
    {
        private readonly Func<string, IPAddress[]> _before = HttpTransport.AddressesOf;
        internal volatile string Address;
        internal int TakesMs;

        internal Names(string address)
        {
            Address = address;
            HttpTransport.AddressesOf = name =>
            {
                Thread.Sleep(TakesMs);
                return new[] { IPAddress.Parse(Address) };
            };
        }

        public void Dispose()
        {
            HttpTransport.AddressesOf = _before;
        }
    }

    [Test("a server that does not answer takes no longer than the opening was given, and what it may have granted is released")]
    internal static void Hanging(FakeServer server)
    {
        server.Answer = request => request.Ask == "release" ? FakeServer.Usual(request) : null;
        SessionOptions bot = server.Bot();
        bot.OpenWithin = TimeSpan.FromMilliseconds(300);
        var error = Expect.Throws<ServiceUnavailableException>(() => Session.Open(bot));
        Expect.Same("no_answer_in_time", error.Problem);
        Request release = server.WaitFor("release")[0];
        Expect.Same(server.Asked[0].Body.Get("run_id"), release.Body.Get("run_id"));
        Expect.True(!release.Body.Has("session_id"), "it names a session that it does not know");
        Expect.True(server.Closed.WaitOne(60000), "the connection was left open");
    }

    [Test("an opening that is cancelled ends at once, and what it was granted is released")]
    internal static void Cancelled(FakeServer server)
    {
        using (var cancelling = new CancellationTokenSource())
        {
            server.Answer = request =>
            {
                if (request.Ask != "validate-license") return FakeServer.Usual(request);
                cancelling.Cancel();
                return FakeServer.Usual(request);
            };
            Expect.Throws<OperationCanceledException>(() => Session.Open(server.Bot(), cancelling.Token));
            server.WaitFor("release");
            Expect.Throws<OperationCanceledException>(() => Session.Open(server.Bot(), cancelling.Token));
            var opening = Session.OpenAsync(server.Bot(), cancelling.Token);
            Expect.Throws<AggregateException>(() => opening.Wait(60000));
            Expect.True(opening.IsCanceled, "the task is not cancelled");
            Expect.Same(1, server.Asked.Count(request => request.Ask == "validate-license"), "what is cancelled before it begins claims nothing");
        }
    }

    [Test("nobody listens: a warning says so on the console after the first attempt, and the error in the end, with its cause")]
    internal static void NobodyListens()
    {
        SessionOptions bot;
        var console = new StringWriter();
        TextWriter before = Console.Error;
        Console.SetError(TextWriter.Synchronized(console));
        using (var server = new FakeServer()) bot = server.Bot();
        bot.Symbol = null;
        bot.OpenWithin = TimeSpan.FromSeconds(3);
        var error = Expect.Throws<ServiceUnavailableException>(() => Session.Open(bot));
        Console.SetError(before);
        Expect.True(error.InnerException is SocketException && error.Problem.Length > 10, error.ToString());
        // Those of other tests have a symbol.
        IEnumerable<string> lines = console.ToString().Split('\n').Where(line => line.StartsWith("License session: "));
        Expect.Same(new[] { "License session: not open yet (" + error.Problem + "); trying again" }, lines.Select(line => line.Trim()), "which is said once");
    }

    [Test("a TLS handshake that is cut off is tried again, as what is not accepted is not")]
    internal static void CutHandshake(FakeServer server)
    {
        server.CutsOff = true;
        SessionOptions bot = server.Bot();
        bot.Url = "https://127.0.0.1:" + server.Port;
        FirstProblem(bot);
    }

    [Test("the proxy of the framework is used, and its password stands in no error")]
    internal static void Proxy(FakeServer proxy)
    {
        IWebProxy before = WebRequest.DefaultWebProxy;
        try
        {
            WebRequest.DefaultWebProxy = new WebProxy("http://127.0.0.1:" + proxy.Port) { Credentials = new NetworkCredential("trader", "secret") };
            SessionOptions bot = proxy.Bot();
            bot.Url = "http://license.example/base/";
            Session.Open(bot).Release();
            Expect.Same("POST http://license.example/base/api/validate-license HTTP/1.1", proxy.Asked[0].Line);
            Expect.Same("Basic dHJhZGVyOnNlY3JldA==", proxy.Asked[0].Headers["proxy-authorization"]);
            Expect.Same("license.example", proxy.Asked[0].Headers["host"]);

            proxy.Answer = request => FakeServer.Http("407 Proxy Authentication Required", "");
            foreach (string scheme in new[] { "http", "https" })
            {
                bot.Url = scheme + "://license.example";
                Expect.Same("the proxy asks for a name and password (HTTP 407)", FirstProblem(bot));
            }
            Expect.Same("CONNECT license.example:443 HTTP/1.1", proxy.Asked.Last(request => request.Line.StartsWith("CONNECT")).Line);

            proxy.Answer = FakeServer.Usual;
            WebRequest.DefaultWebProxy = new WebProxy("http://127.0.0.1:" + proxy.Port, false, new[] { "127\\.0\\.0\\.1" });
            Session.Open(proxy.Bot()).Release();
            Expect.True(proxy.Asked.Any(request => request.Line.StartsWith("POST /api")), "a host that is exempt went through the proxy");
        }
        finally
        {
            WebRequest.DefaultWebProxy = before;
        }
    }

    [Test("thirty sessions of one service are kept side by side")]
    internal static void SideBySide(FakeServer server)
    {
        // None is answered before all have asked: more than the two connections that the framework allows.
        var all = new CountdownEvent(30);
        server.Answer = request =>
        {
            if (request.Ask != "validate-license") return FakeServer.Usual(request);
            all.Signal();
            all.Wait();
            return FakeServer.Usual(request);
        };
        var openings = Enumerable.Range(0, 30).Select(number => Session.OpenAsync(server.Bot())).ToArray();
        foreach (var opening in openings) Expect.True(opening.Wait(60000) && opening.Result.Held, "not open");
        var releases = openings.Select(opening => opening.Result.ReleaseAsync()).ToArray();
        foreach (var release in releases) Expect.Same("Released", release.Result.ToString());
        Expect.Same(30, server.Asked.Where(request => request.Ask == "validate-license").Select(request => request.Body.Get("claim_number")).Distinct().Count());
    }

    [Test("a program whose thread pool is exhausted keeps its session")]
    internal static void NoPool()
    {
        int workers, ports;
        ThreadPool.GetMaxThreads(out workers, out ports);
        var blocked = new ManualResetEvent(false);
        try
        {
            ThreadPool.SetMaxThreads(Environment.ProcessorCount, ports);
            for (int i = 0; i < Environment.ProcessorCount + 8; i++) ThreadPool.QueueUserWorkItem(state => blocked.WaitOne());
            using (var server = new FakeServer())
            {
                var opening = Session.OpenAsync(server.Bot());
                Expect.True(opening.Wait(60000), "not open");
                server.WaitFor("heartbeat", 2);
                Expect.Same("Released", opening.Result.Release().ToString());
                Expect.True(opening.Result.Completion.Wait(60000), "the end is not reported");
            }
        }
        finally
        {
            blocked.Set();
            ThreadPool.SetMaxThreads(workers, ports);
        }
    }

    [Test("a check says what an opening would, and claims nothing")]
    internal static void Check(FakeServer server)
    {
        server.Answer = request => FakeServer.Json200(new Dictionary<string, object> { { "code", "available" }, { "license_type", "pro" } });
        SessionCheck check = Session.Check(server.Bot());
        Expect.Same(new object[] { true, "pro", true }, new object[] { check.Available, check.License.Type, server.Asked[0].Body.Get("check_only") });

        server.Answer = request => FakeServer.Http("403 Forbidden", "{\"code\":\"session_conflict\",\"holder\":{\"device\":\"lap...\",\"last_heartbeat_seconds_ago\":7}}");
        check = Session.CheckAsync(server.Bot()).Result;
        Expect.Same(new object[] { false, "lap...", 7 }, new object[] { check.Available, check.Refusal.Holder.Device, check.Refusal.Holder.LastHeartbeatSecondsAgo });
    }

    [Test("with a pinned key, what a fake service grants is no session")]
    internal static void Pinned(FakeServer server)
    {
        SessionOptions bot = server.Bot();
        bot.PublicKeys = new[] { "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
        Expect.Same("answer_unsigned", FirstProblem(bot));
        Expect.True(server.Asked[0].Body.Text("nonce").Length == 32, "no nonce was sent");
    }

    /// <summary>Why the first attempt failed, however long it took.</summary>
    private static string FirstProblem(SessionOptions bot)
    {
        string problem = null;
        using (var cancelling = new CancellationTokenSource())
        {
            bot.OpenWithin = bot.RequestTimeout = TimeSpan.FromSeconds(60);
            bot.StatusChanged = status =>
            {
                problem = problem ?? status.Problem;
                cancelling.Cancel();
            };
            Expect.Throws<OperationCanceledException>(() => Session.Open(bot, cancelling.Token));
        }
        return problem;
    }

    private static Case Taken(string name, string answer)
    {
        return new Case("an answer " + name + " is taken", server =>
        {
            server.Answer = request => request.Ask == "validate-license" ? answer : FakeServer.Usual(request);
            using (Session session = Session.Open(server.Bot())) Expect.True(session.Held, "not held");
        });
    }

    private static Case Refused(string name, string answer, string problem)
    {
        return new Case("an answer that is no answer grants nothing: " + name, server =>
        {
            server.Answer = request => request.Ask == "validate-license" ? answer : FakeServer.Usual(request);
            Expect.Same(problem, FirstProblem(server.Bot()));
        });
    }

    private static string Packed(string encoding, string body, Func<Stream, Stream> pack)
    {
        var packed = new MemoryStream();
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        using (Stream stream = pack(packed)) stream.Write(bytes, 0, bytes.Length);
        return "HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + "\r\nContent-Length: " + packed.Length + "\r\n\r\n" + Encoding.GetEncoding("iso-8859-1").GetString(packed.ToArray());
    }
}
