using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using LicenseSessions;

/// <summary>A request as it arrived.</summary>
internal sealed class Request
{
    internal string Line;
    internal Dictionary<string, string> Headers;
    internal string Text;
    internal object Body;

    /// <summary>The last part of the path: validate-license, heartbeat or release.</summary>
    internal string Ask
    {
        get { return Line.Split(' ')[1].Split('/').Last(); }
    }
}

/// <summary>A service on a free port of this machine, which answers as it is told, in bytes.</summary>
internal sealed class FakeServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly List<TcpClient> _open = new List<TcpClient>();
    private readonly List<Request> _asked = new List<Request>();
    private readonly ManualResetEvent _over = new ManualResetEvent(false);

    /// <summary>What to answer; <c>null</c> for nothing, with the connection left open.</summary>
    internal Func<Request, string> Answer = Usual;

    /// <summary>Closes each connection before it reads anything.</summary>
    internal volatile bool CutsOff;

    /// <summary>Set once a client has closed a connection without an answer.</summary>
    internal readonly ManualResetEvent Closed = new ManualResetEvent(false);

    internal FakeServer() : this(IPAddress.Loopback, 0)
    {
    }

    internal FakeServer(IPAddress address, int port)
    {
        _listener = new TcpListener(address, port);
        _listener.Start();
        new Thread(Listen) { IsBackground = true }.Start();
    }

    /// <summary>An ordinary bot of this service.</summary>
    internal SessionOptions Bot()
    {
        return new SessionOptions { Url = Url, LicenseKey = "KEY", DeviceFingerprint = "device", Symbol = "ES", ReleaseAtExit = false };
    }

    /// <summary>Returns when the test is over.</summary>
    internal void Hang()
    {
        _over.WaitOne();
    }

    internal int Port
    {
        get { return ((IPEndPoint)_listener.LocalEndpoint).Port; }
    }

    internal string Url
    {
        get { return "http://127.0.0.1:" + Port; }
    }

    internal List<Request> Asked
    {
        get { lock (_asked) return _asked.ToList(); }
    }

    /// <summary>Waits until so many requests of a kind have arrived.</summary>
    internal List<Request> WaitFor(string ask, int count = 1)
    {
        lock (_asked)
        {
            while (true)
            {
                List<Request> found = _asked.Where(request => request.Ask == ask).ToList();
                if (found.Count >= count) return found;
                if (!Monitor.Wait(_asked, 60000)) throw new Exception(ask + " came " + found.Count + " times instead of " + count);
            }
        }
    }

    /// <summary>Grants, records and releases a session of 10 s, with a heartbeat every second.</summary>
    internal static string Usual(Request request)
    {
        return Json200(Body(request));
    }

    internal static Dictionary<string, object> Body(Request request)
    {
        var body = new Dictionary<string, object> { { "session_timeout_seconds", 10 }, { "held_for_seconds", 9.5 } };
        switch (request.Ask)
        {
            case "validate-license":
                body["code"] = "granted";
                body["session_id"] = "session-1";
                body["fencing_token"] = 7;
                body["heartbeat_interval_seconds"] = 1;
                return body;
            case "heartbeat":
                body["code"] = "recorded";
                return body;
            default:
                return new Dictionary<string, object> { { "code", "released" } };
        }
    }

    internal static string Json200(object body)
    {
        return Http("200 OK", Json.Write(body));
    }

    internal static string Http(string status, string body, string headers = "")
    {
        return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nContent-Length: " + Encoding.UTF8.GetByteCount(body) + "\r\n" + headers + "\r\n" + body;
    }

    public void Dispose()
    {
        _over.Set();
        _listener.Stop();
        lock (_open) foreach (TcpClient client in _open) client.Close();
    }

    private void Listen()
    {
        try
        {
            while (true)
            {
                TcpClient client = _listener.AcceptTcpClient();
                lock (_open) _open.Add(client);
                new Thread(() => Serve(client)) { IsBackground = true }.Start();
            }
        }
        catch (Exception)
        {
            // Stopped.
        }
    }

    private void Serve(TcpClient client)
    {
        try
        {
            NetworkStream stream = client.GetStream();
            if (CutsOff) client.Close();
            Request request = Read(stream);
            if (request == null) return;
            lock (_asked)
            {
                _asked.Add(request);
                Monitor.PulseAll(_asked);
            }
            string answer = Answer(request);
            if (answer == null)
            {
                stream.ReadByte();
                Closed.Set();
                return;
            }
            byte[] bytes = Encoding.GetEncoding("iso-8859-1").GetBytes(answer);
            stream.Write(bytes, 0, bytes.Length);
            client.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception)
        {
            // The client has given up, or the test is over.
        }
    }

    private static Request Read(Stream stream)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n"))
        {
            int read = stream.ReadByte();
            if (read < 0) return null;
            head.Append((char)read);
        }
        string[] lines = head.ToString().Split(new[] { "\r\n" }, StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(new[] { ": " }, 2, StringSplitOptions.None)).ToDictionary(part => part[0].ToLowerInvariant(), part => part[1]);
        string length;
        var body = new byte[headers.TryGetValue("content-length", out length) ? int.Parse(length) : 0];
        for (int at = 0; at < body.Length;) at += stream.Read(body, at, body.Length - at);
        string text = Encoding.UTF8.GetString(body);
        return new Request { Line = lines[0], Headers = headers, Text = text, Body = text == "" ? null : Json.Parse(text) };
    }
}
