using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using LicenseSessions;

/// <summary>
/// The world of a scenario: its time, and a service that answers as written. What a scenario may say is
/// described in test/clients/scenarios.ts.
/// </summary>
internal sealed class ScriptedRuntime : IRuntime
{
    private static readonly Dictionary<string, string> Paths = new Dictionary<string, string>
    {
        { "claim", "api/validate-license" }, { "heartbeat", "api/heartbeat" }, { "release", "api/session/release" },
    };

    private readonly object _sync = new object();
    private readonly double _random;
    private readonly bool _opens;
    private object _sessionId;
    private int _ids;
    private double _wallLeadMs = 1700000000000;

    internal readonly VirtualTime Time;
    internal readonly List<KeyValuePair<double, object>> Script = new List<KeyValuePair<double, object>>();
    /// <summary>The first request that was not as written.</summary>
    internal Exception Failure;
    /// <summary>Called whenever something has changed.</summary>
    internal Action Woken = () => { };

    internal ScriptedRuntime(object scenario)
    {
        Time = new VirtualTime(scenario.List("asleep").Select(span => span.Numbers()).ToArray());
        _random = scenario.Number("random");
        _opens = scenario.Has("opens");
        foreach (object entry in scenario.List("server"))
        {
            double[] at = entry.Get("at") is double ? new[] { entry.Number("at") } : entry.Get("at").Numbers();
            foreach (double ms in at) Script.Add(new KeyValuePair<double, object>(ms, entry));
        }
        foreach (object moved in scenario.List("wallMovesOn"))
        {
            double byMs = moved.Numbers()[1];
            Time.At(moved.Numbers()[0], VirtualTime.Program, () => _wallLeadMs += byMs);
        }
    }

    internal static readonly ClaimName Name = new ClaimName("random-id-000001", 1);

    public object Sync { get { return _sync; } }

    public long NowMs { get { return (long)Time.NowMs; } }

    public long WallMs { get { return (long)(Time.NowMs + _wallLeadMs); } }

    public double Random() { return _random; }

    public string RandomId() { return "random-id-" + (++_ids).ToString("d6"); }

    public void Pause(Func<double> until) { Time.Pause(until); }

    public void Call(Action call, bool mayDrop) { call(); }

    public void Log(Action call) { call(); }

    public void Spawn(Action run) { Time.Spawn(run); }

    public void Wake() { Woken(); }

    public Exchange Exchange(string path, byte[] body, Func<double> until)
    {
        try
        {
            return Exchanged(path, body, until);
        }
        catch (Exception error)
        {
            // The client takes it for a bug of its own.
            Failure = Failure ?? error;
            throw;
        }
    }

    private Exchange Exchanged(string path, byte[] body, Func<double> until)
    {
        object request = Json.Parse(Encoding.UTF8.GetString(body));
        Expect.True(Script.Count > 0, path + " was asked at " + NowMs + ", which nobody expects");
        object entry = Script[0].Value;
        Expect.Same(new object[] { Script[0].Key, Paths[entry.Text("ask")] }, new object[] { NowMs, path });
        Script.RemoveAt(0);
        Expect.Same(request.And(entry.Get("sends")), request);
        foreach (object field in entry.List("lacks")) Expect.True(!request.Has((string)field), field + " was sent");
        // All attempts of an opening share a name, by which one that got no usable answer is released.
        if (entry.Text("ask") == "claim" || !_opens)
        {
            Expect.Same(new object[] { Name.RunId, Name.Number, false }, new[] { request.Get("run_id"), request.Get("claim_number"), request.Has("session_id") });
        }
        else
        {
            Expect.Same(new[] { _sessionId, false }, new[] { request.Get("session_id"), request.Has("run_id") });
        }
        Exchange result = ResultOf(entry);
        double answeredMs = result == null ? double.PositiveInfinity : NowMs + entry.Number("after");
        Time.Pause(() => Math.Min(answeredMs, until()));
        return answeredMs < until() ? result : new Exchange(LicenseSessions.Exchange.NoAnswerInTime);
    }

    private Exchange ResultOf(object entry)
    {
        if (entry.Has("drop")) return null;
        if (entry.Has("fails")) return new Exchange(entry.Text("fails"), null, entry.Has("lasting"));
        object answer = entry.Get("answer");
        if (answer is string) return Example(entry, (string)answer);
        return new Exchange((int)answer.Number("status"), Encoding.UTF8.GetBytes(answer.Has("body") ? Json.Write(answer.Get("body")) : ""), answer.Texts("headers"));
    }

    private static readonly Lazy<object> OpenApi = new Lazy<object>(() => Program.ReadJson("openapi.json"));

    private Exchange Example(object entry, string name)
    {
        object responses = OpenApi.Value.Get("paths").Get("/" + Paths[entry.Text("ask")]).Get("post").Get("responses");
        foreach (KeyValuePair<string, object> response in responses.Object())
        {
            object json = response.Value.Get("content").Get("application/json");
            if (!json.Has("examples") || !json.Get("examples").Has(name)) continue;
            var body = new Dictionary<string, object> { { "held_for_seconds", 55 } }.And(json.Get("examples").Get(name).Get("value")).And(entry.Get("with"));
            if (body.ContainsKey("session_id")) _sessionId = body["session_id"];
            return new Exchange(int.Parse(response.Key), Encoding.UTF8.GetBytes(Json.Write(body)), new Dictionary<string, string>());
        }
        throw new Exception("openapi.json has no example of " + name);
    }
}
