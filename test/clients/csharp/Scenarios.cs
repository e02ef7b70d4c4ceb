using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using LicenseSessions;

/// <summary>The scenarios that all clients must pass, with virtual time.</summary>
internal static class Scenarios
{
    [Cases]
    internal static IEnumerable<Case> All()
    {
        foreach (string path in Directory.GetFiles(Path.Combine(Program.Root, "clients/scenarios"), "*.json").OrderBy(path => path))
        {
            string file = Path.GetFileNameWithoutExtension(path);
            foreach (object scenario in (List<object>)Program.ReadJson(path))
            {
                if (scenario.Has("clients") && !scenario.List("clients").Contains("csharp")) continue;
                yield return new Case(file + ": " + scenario.Text("guarantee"), () => Play(scenario));
            }
        }
    }

    /// <summary>What only this client does, because its monotonic clock may stand still while the machine sleeps.</summary>
    [Test("of the two clocks, the one that ran further counts, also where they differ by less than a second")]
    internal static void BothClocks()
    {
        Play(Json.Parse(@"{
            ""wallMovesOn"": [[25000, 800]],
            ""server"": [
                { ""at"": 0, ""ask"": ""claim"", ""answer"": ""granted"" },
                { ""at"": [20000, 26000, 38000], ""ask"": ""heartbeat"", ""drop"": true },
                { ""at"": 52000, ""ask"": ""heartbeat"", ""drop"": true }
            ],
            ""opens"": 0,
            ""held"": [[54199, true], [54200, false]],
            ""lastStatuses"": 1,
            ""statuses"": [[55000, ""ended"", ""lost"", ""no_answer_in_time""]]
        }"));
    }

    [Test("some symbols of a session that is over go with the whole")]
    internal static void SomeOfWhatIsOver()
    {
        Play(Json.Parse(@"{
            ""options"": { ""symbols"": [""ES"", ""NQ""] },
            ""server"": [
                { ""at"": 0, ""ask"": ""claim"", ""answer"": ""granted"" },
                { ""at"": [20000, 26000, 38000, 52000], ""ask"": ""heartbeat"", ""drop"": true },
                { ""at"": 56000, ""ask"": ""release"", ""sends"": { ""symbols"": [""ES"", ""NQ""] }, ""answer"": ""released"" }
            ],
            ""does"": [[56000, ""release"", [""ES""]]],
            ""opens"": 0,
            ""releases"": [[56000, ""released""]],
            ""lastStatuses"": 1,
            ""statuses"": [[55000, ""ended"", ""lost"", ""no_answer_in_time""]]
        }"));
    }

    [Test("a bug of the client ends the session as lost, with a warning, and not the process")]
    internal static void Bug()
    {
        // The heartbeat, which is not expected, throws.
        var runtime = new ScriptedRuntime(Json.Parse(@"{""server"": [{ ""at"": 0, ""ask"": ""claim"", ""answer"": ""granted"" }], ""opens"": 0}"));
        var warnings = new List<string>();
        SessionSettings settings = SettingsOf(Json.Parse("{}"), status => { });
        settings.Log = (level, text) => { if (level == LogLevel.Warning) warnings.Add(text); };
        var life = new Life(settings, runtime, ScriptedRuntime.Name);
        runtime.Spawn(life.Live);
        runtime.Time.Run();
        Expect.Same("Lost (keeper_failed)", life.End.ToString());
        Expect.True(warnings[0].StartsWith("License session: Keeping the session failed, which is a bug of the client: "), warnings[0]);
    }

    private static void Play(object scenario)
    {
        var runtime = new ScriptedRuntime(scenario);
        var seen = new Seen();
        Dictionary<string, object> refused = null, checked_ = null;
        SessionSettings settings = SettingsOf(scenario, status => seen.Add("statuses", InShort(runtime.NowMs, status)));
        if (scenario.Text("call") == "check")
        {
            var aborting = new CancellationTokenSource();
            foreach (List<object> does in scenario.List("does").Cast<List<object>>()) runtime.Time.At((double)does[0], VirtualTime.Program, aborting.Cancel);
            runtime.Spawn(() =>
            {
                try
                {
                    SessionCheck check = Checking.Check(new Service(settings, runtime), ScriptedRuntime.Name, aborting.Token);
                    checked_ = new Dictionary<string, object> { { "available", true } };
                    if (!check.Available) checked_ = InShort(check.Refusal).With("available", false).Less("error");
                    checked_["at"] = runtime.NowMs;
                }
                catch (LicenseSessionException error)
                {
                    refused = InShort(error).With("at", runtime.NowMs);
                }
                catch (OperationCanceledException)
                {
                    refused = new Dictionary<string, object> { { "at", runtime.NowMs }, { "error", "AbortError" } };
                }
            });
            runtime.Time.Run();
            Compare(scenario, runtime, seen, null, refused, checked_);
            return;
        }
        object opened = null;
        var releasing = new List<Func<ReleaseOutcome?>>();
        var life = new Life(settings, runtime, ScriptedRuntime.Name);
        life.OnSymbolLost(loss => seen.Add("lost", runtime.NowMs, loss.Symbol, loss.Code, loss.ActiveDevice ?? ""), true);
        life.OnReleaseRequested(asked => seen.Add("asked", runtime.NowMs, asked.Device, asked.SecondsAgo, asked.Symbols), true);
        runtime.Woken = () =>
        {
            if (life.Keeping != null && opened == null) opened = runtime.NowMs;
            if (life.Error != null && refused == null) refused = InShort(life.Error).With("at", runtime.NowMs);
            foreach (var outcome in releasing.Where(one => one().HasValue).ToArray())
            {
                releasing.Remove(outcome);
                seen.Add("releases", runtime.NowMs, InShort(outcome().Value));
            }
        };
        foreach (List<object> does in scenario.List("does").Cast<List<object>>())
        {
            runtime.Time.At((double)does[0], VirtualTime.Program, () =>
            {
                string what = (string)does[1];
                PartRelease part = null;
                if (what == "keep") life.Keep();
                else if (does.Count > 2) part = life.BeginRelease(does.Skip(2).SelectMany(Names));
                else
                {
                    if (what == "abort" && !life.IsOpenOrFailed) refused = new Dictionary<string, object> { { "at", runtime.NowMs }, { "error", "AbortError" } };
                    life.BeginRelease();
                }
                if (what != "release") return;
                releasing.Add(() => part == null ? life.Outcome : part.Outcome);
                runtime.Woken();
            });
        }
        foreach (List<object> look in scenario.List("held").Cast<List<object>>())
        {
            runtime.Time.At((double)look[0], VirtualTime.Probe, () => seen.Add("held", look[0], life.RightLastsMs > 0));
        }
        foreach (List<object> look in scenario.List("holds").Cast<List<object>>())
        {
            runtime.Time.At((double)look[0], VirtualTime.Probe, () => seen.Add("holds", look[0], look[1], life.Held.Among(new[] { (string)look[1] }).Count > 0));
        }
        foreach (List<object> look in scenario.List("symbols").Cast<List<object>>())
        {
            runtime.Time.At((double)look[0], VirtualTime.Probe, () => seen.Add("symbols", look[0], life.Held));
        }
        runtime.Spawn(life.Live);
        runtime.Time.Run();

        Compare(scenario, runtime, seen, opened, refused, null);
        if (life.Keeping == null) return;
        if (scenario.Has("endedBy")) Expect.Same(scenario.Text("endedBy"), life.End.ActiveDevice, "endedBy");
        Expect.Same(new[] { Lower(life.End.Reason.ToString()), life.End.Code }, seen.All("statuses").Last().Skip(2), "the end");
    }

    private static void Compare(object scenario, ScriptedRuntime runtime, Seen seen, object opened, object refused, object checked_)
    {
        int last = (int)scenario.Number("lastStatuses", 1000);
        List<object[]> statuses = seen.All("statuses");
        Expect.Same(scenario.Get("statuses"), statuses.Skip(Math.Max(0, statuses.Count - last)).ToList(), "statuses");
        Expect.True(runtime.Failure == null, "" + runtime.Failure);
        Expect.Same(0, runtime.Script.Count, "what nobody asked");
        Expect.Same(scenario.Get("opens"), opened, "opens");
        Expect.Same(scenario.Get("refused"), Named(refused, scenario.Get("refused")), "refused");
        Expect.Same(scenario.Get("checked"), Named(checked_, scenario.Get("checked")), "checked");
        foreach (string what in new[] { "held", "holds", "symbols", "lost", "asked" }) Expect.Same(scenario.List(what), seen.All(what), what);
        if (scenario.Has("releases")) Expect.Same(scenario.Get("releases"), seen.All("releases"), "releases");
    }

    /// <summary>What the scenario names, because the examples say more and more.</summary>
    private static object Named(object actual, object named)
    {
        if (actual == null || named == null) return actual;
        return named.Object().Keys.ToDictionary(name => name, name => actual.Get(name));
    }

    private static IEnumerable<string> Names(object names)
    {
        return names is string ? new[] { (string)names } : ((List<object>)names).Cast<string>();
    }

    private sealed class Seen
    {
        private readonly Dictionary<string, List<object[]>> _lists = new Dictionary<string, List<object[]>>();

        internal void Add(string what, params object[] facts)
        {
            if (!_lists.ContainsKey(what)) _lists[what] = new List<object[]>();
            _lists[what].Add(facts);
        }

        internal List<object[]> All(string what)
        {
            return _lists.ContainsKey(what) ? _lists[what] : new List<object[]>();
        }
    }

    private static SessionSettings SettingsOf(object scenario, Action<SessionStatus> statusChanged)
    {
        object chosen = scenario.Get("options") ?? new Dictionary<string, object>();
        var settings = new SessionSettings
        {
            Caller = new Caller
            {
                LicenseKey = "KEY",
                DeviceFingerprint = "device",
                Symbol = chosen.Text("symbol"),
                OnlyIfFree = chosen.Get("onlyIfFree") != null,
                AskHolder = chosen.Get("askHolder") != null,
                Symbols = chosen.Has("symbols") ? chosen.List("symbols").Cast<string>().ToArray() : null,
            },
            StatusChanged = statusChanged,
            MarginMs = chosen.Has("marginMs") ? chosen.Number("marginMs") : (double?)null,
            RequestTimeoutMs = chosen.Number("requestTimeoutMs", 5000),
            OpenWithinMs = chosen.Number("openWithinMs", 30000),
            WaitWithinMs = chosen.Number("waitWithinMs"),
        };
        object report = scenario.Get("report");
        if (report != null)
        {
            settings.Report = () => new SessionReport
            {
                BotVersion = report.Text("botVersion"), Status = report.Text("status"), Metadata = (IDictionary<string, object>)report.Get("metadata"),
            };
        }
        return settings;
    }

    private static object[] InShort(double nowMs, SessionStatus status)
    {
        string state = Lower(status.State.ToString());
        switch (status.State)
        {
            case SessionState.Held: return new object[] { nowMs, state, Math.Round(status.RightLasts.TotalMilliseconds) };
            case SessionState.Troubled: return new object[] { nowMs, state, status.Problem, Math.Round(status.RightLasts.TotalMilliseconds) };
            case SessionState.Waiting:
                var waiting = new List<object> { nowMs, state, status.Refusal.ActiveDevice ?? "", status.Refusal.WaitSeconds ?? -1 };
                if (status.HolderAsked == true) waiting.Add("holderAsked");
                if (status.HolderTold == true) waiting.Add("holderTold");
                if (status.HolderKeeps == true) waiting.Add("holderKeeps");
                return waiting.ToArray();
            case SessionState.Ended: return new object[] { nowMs, state, Lower(status.End.Reason.ToString()), status.End.Code };
            default: return status.Problem == null ? new object[] { nowMs, state } : new object[] { nowMs, state, status.Problem };
        }
    }

    private static Dictionary<string, object> InShort(LicenseSessionException error)
    {
        var facts = new Dictionary<string, object> { { "error", error.GetType().Name.Replace("Exception", "") }, { "code", error.Code } };
        var unavailable = error as ServiceUnavailableException;
        if (unavailable != null && unavailable.Status.HasValue) facts["status"] = unavailable.Status;
        return facts.And(Vectors.Known(error));
    }

    internal static string InShort(ReleaseOutcome outcome)
    {
        switch (outcome)
        {
            case ReleaseOutcome.NotHeld: return "not_held";
            case ReleaseOutcome.LeftToLapse: return "left_to_lapse";
            default: return Lower(outcome.ToString());
        }
    }

    internal static string Lower(string name)
    {
        return name == "LicenseEnded" ? "license_ended" : name.ToLowerInvariant();
    }
}
