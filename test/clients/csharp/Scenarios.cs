using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
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
                object played = scenario;
                yield return new Case(file + ": " + scenario.Text("guarantee"), () => Play(played));
            }
        }
    }

    private static void Play(object scenario)
    {
        var runtime = new ScriptedRuntime(scenario);
        var statuses = new List<object>();
        var held = new List<object>();
        var releases = new List<object>();
        var losses = new List<object>();
        var requests = new List<object>();
        object opened = null;
        Dictionary<string, object> refused = null;
        int releasing = 0;
        var life = new Life(SettingsOf(scenario, status => statuses.Add(InShort(runtime.NowMs, status))), runtime, ScriptedRuntime.Name);
        life.OnSymbolLost(loss => losses.Add(new object[] { runtime.NowMs, loss.Symbol, loss.Code }), true);
        life.OnReleaseRequested(request => requests.Add(new object[] { runtime.NowMs, request.Device, request.SecondsAgo }), true);
        runtime.Woken = () =>
        {
            if (life.Keeping != null && opened == null) opened = runtime.NowMs;
            if (life.Error != null && refused == null) refused = InShort(runtime.NowMs, life.Error);
            for (; releasing > 0 && life.Outcome.HasValue; releasing--) releases.Add(new object[] { runtime.NowMs, InShort(life.Outcome.Value) });
        };
        foreach (object does in scenario.List("does"))
        {
            string what = (string)((List<object>)does)[1];
            runtime.Time.At((double)((List<object>)does)[0], VirtualTime.Program, () =>
            {
                if (what == "release") releasing++;
                else if (!life.IsOpenOrFailed) refused = new Dictionary<string, object> { { "at", runtime.NowMs }, { "error", "AbortError" } };
                life.BeginRelease();
            });
        }
        foreach (object look in scenario.List("held"))
        {
            double atMs = (double)((List<object>)look)[0];
            runtime.Time.At(atMs, VirtualTime.Probe, () => held.Add(new object[] { atMs, life.RightLastsMs > 0 }));
        }
        runtime.Spawn(life.Live);
        runtime.Time.Run();

        int last = (int)scenario.Number("lastStatuses", 1000);
        Expect.Same(scenario.Get("statuses"), statuses.Skip(Math.Max(0, statuses.Count - last)).ToList(), "statuses");
        Expect.Same(0, runtime.Script.Count, "what nobody asked");
        Expect.Same(scenario.Get("opens"), opened, "opens");
        Expect.Same(scenario.Get("refused"), refused, "refused");
        Expect.Same(scenario.List("held"), held, "held");
        if (scenario.Has("releases")) Expect.Same(scenario.Get("releases"), releases, "releases");
        if (scenario.Has("symbolsLost")) Expect.Same(scenario.Get("symbolsLost"), losses, "symbolsLost");
        if (scenario.Has("releaseRequests")) Expect.Same(scenario.Get("releaseRequests"), requests, "releaseRequests");
        if (life.Keeping == null) return;
        if (scenario.Has("endedBy")) Expect.Same(scenario.Text("endedBy"), life.End.ActiveDevice, "endedBy");
        Expect.Same(new[] { Lower(life.End.Reason.ToString()), life.End.Code }, ((object[])statuses.Last()).Skip(2), "the end");
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
            case SessionState.Waiting: return new object[] { nowMs, state, status.Refusal.ActiveDevice ?? "", status.Refusal.WaitSeconds ?? -1 };
            case SessionState.Ended: return new object[] { nowMs, state, Lower(status.End.Reason.ToString()), status.End.Code };
            default: return status.Problem == null ? new object[] { nowMs, state } : new object[] { nowMs, state, status.Problem };
        }
    }

    private static Dictionary<string, object> InShort(double nowMs, LicenseSessionException error)
    {
        var facts = new Dictionary<string, object> { { "at", nowMs }, { "error", error.GetType().Name.Replace("Exception", "") }, { "code", error.Code } };
        var refused = error as SessionRefusedException;
        if (refused != null && refused.ActiveDevice != null) facts["activeDevice"] = refused.ActiveDevice;
        if (refused != null && refused.WaitSeconds != null) facts["waitSeconds"] = refused.WaitSeconds;
        var unreadable = error as RequestUnreadableException;
        if (unreadable != null) facts["field"] = unreadable.Field;
        var unavailable = error as ServiceUnavailableException;
        if (unavailable == null) return facts;
        facts["problem"] = unavailable.Problem;
        if (unavailable.Status.HasValue) facts["status"] = unavailable.Status;
        return facts;
    }

    private static string InShort(ReleaseOutcome outcome)
    {
        return outcome == ReleaseOutcome.NotHeld ? "not_held" : Lower(outcome.ToString());
    }

    internal static string Lower(string name)
    {
        return name == "LicenseEnded" ? "license_ended" : name.ToLowerInvariant();
    }
}
