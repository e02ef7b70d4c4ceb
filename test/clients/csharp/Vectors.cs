using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text;
using LicenseSessions;

/// <summary>What all clients make of the same answers and figures: the tables of clients/vectors.</summary>
internal static class Vectors
{
    [Cases]
    internal static IEnumerable<Case> Timings()
    {
        object vectors = Program.ReadJson("clients/vectors/timing.json");
        foreach (object vector in vectors.List("timings"))
        {
            yield return new Case("timing: " + vector.Text("guarantee"), () => CheckTiming(vector));
        }
        foreach (object vector in vectors.List("heartbeatDelays"))
        {
            yield return Same("a heartbeat's delay", vector, "delayMs", Timing.HeartbeatDelayMs(vector.Number("intervalMs"), vector.Number("random")));
        }
        foreach (object vector in vectors.List("retryDelays"))
        {
            yield return Same("a retry's delay", vector, "delayMs", Timing.RetryDelayMs((int)vector.Number("failures"), vector.Number("intervalMs"), vector.Number("random")));
        }
        foreach (object vector in vectors.List("attemptTimeouts"))
        {
            yield return Same("an attempt's time", vector, "timeoutMs", Timing.AttemptTimeoutMs(vector.Number("requestTimeoutMs"), (int)vector.Number("unanswered")));
        }
        foreach (object vector in vectors.List("pollDelays"))
        {
            yield return Same("a waiting opening", vector, "delayMs", Timing.PollDelayMs(vector.Get("waitSeconds") as double?, vector.Number("random")));
        }
        foreach (object vector in vectors.List("retryInstants"))
        {
            yield return Same("a retry", vector, "atMs", Timing.RetryAtMs(
                vector.Number("nowMs"), vector.Number("delayMs"), vector.Get("retryAfterMs") as double?, vector.Number("endsMs"), vector.Number("requestTimeoutMs")));
        }
    }

    [Cases]
    internal static IEnumerable<Case> AllAnswers()
    {
        foreach (object vector in (List<object>)Program.ReadJson("clients/vectors/answers.json"))
        {
            string name = "answer to a " + vector.Text("ask") + ", " + vector.Number("status") + ": " + vector.Text("guarantee");
            yield return new Case(name, () => CheckAnswer(vector));
        }
    }

    private static Case Same(string what, object vector, string name, double actual)
    {
        return new Case(what + ": " + (vector.Text("guarantee") ?? Json.Write(vector)), () => Expect.Same(vector.Number(name), actual));
    }

    private static void CheckTiming(object vector)
    {
        var lease = new Lease(vector.Number("sessionTimeoutMs"), vector.Number("namedIntervalMs"), vector.Number("heldForMs"));
        var timing = new Timing(lease, vector.Get("marginMs") as double?, vector.Number("requestTimeoutMs"));
        Expect.Same(vector.Get("timing"), Known(timing));
    }

    private static void CheckAnswer(object vector)
    {
        string text = vector.Text("text") ?? Json.Write(vector.Get("body"));
        var answer = new Exchange((int)vector.Number("status"), Encoding.UTF8.GetBytes(text), vector.Texts("headers"));
        Expect.Same(vector.Get("means"), MeaningOf(vector.Text("ask"), answer));
    }

    private static Dictionary<string, object> MeaningOf(string ask, Exchange answer)
    {
        if (ask == "release")
        {
            ReleaseOutcome? outcome = Answers.ReadRelease(answer);
            string said = outcome == null ? null : Scenarios.InShort(outcome.Value);
            return new Dictionary<string, object> { { "is", said } };
        }
        Outcome read = ask == "claim" ? Answers.ReadClaim(answer) : Answers.ReadHeartbeat(answer);
        var meaning = new Dictionary<string, object> { { "is", Scenarios.Lower(read.GetType().Name) } };
        var granted = read as Granted;
        if (granted != null) return meaning.And(Known(granted)).And(Known(granted.Lease)).With("license", LicenseOf(granted.License)).Less("lease");
        var recorded = read as Recorded;
        if (recorded != null) return meaning.And(Known(recorded)).With("license", LicenseOf(recorded.License));
        var available = read as Available;
        if (available != null) return meaning.With("license", LicenseOf(available.License));
        var ended = read as EndedOutcome;
        if (ended != null)
        {
            return new Dictionary<string, object>
            {
                { "is", "ended" }, { "reason", Scenarios.Lower(ended.End.Reason.ToString()) }, { "code", ended.End.Code }, { "activeDevice", ended.End.ActiveDevice },
            };
        }
        var part = read as PartLost;
        if (part != null)
        {
            object lease = part.Recorded == null ? null : Known(part.Recorded).Object().Less("releaseRequest");
            object asked = part.Recorded == null ? null : Known(part.Recorded.Asked);
            meaning = new Dictionary<string, object> { { "is", "part_lost" }, { "held", part.Held }, { "lost", Known(part.Lost) }, { "lease", lease } };
            return asked == null ? meaning : meaning.With("releaseRequest", asked);
        }
        if (read is Unreadable) return meaning.And(Known(read));
        var trouble = read as Trouble;
        if (trouble != null)
        {
            return new Dictionary<string, object>
            {
                { "is", "trouble" }, { "problem", trouble.Problem }, { "status", trouble.Status }, { "requestId", trouble.RequestId }, { "retryAfterMs", trouble.RetryAfterMs },
            };
        }
        return RefusalOf(((Refused)read).Error);
    }

    private static Dictionary<string, object> RefusalOf(LicenseSessionException error)
    {
        var meaning = new Dictionary<string, object>
        {
            { "is", error.GetType().Name.Replace("Exception", "") }, { "code", error.Code }, { "status", error.Status }, { "requestId", error.RequestId },
        };
        // It names the option by which each language takes the URL.
        if (!(error is ServiceNotFoundException)) meaning["message"] = error.Message;
        if (error is RequestUnreadableException) meaning["field"] = null;
        if (error is SessionRefusedException) meaning["activeDevice"] = meaning["waitSeconds"] = null;
        return meaning.And(Known(error));
    }

    /// <summary>What is known in a value of the client, by the names of the tables. Of an error, what only its kind has.</summary>
    internal static object Known(object value)
    {
        if (value == null || value is string || value.GetType().IsPrimitive) return value;
        var list = value as IEnumerable;
        if (list != null) return list.Cast<object>().Select(Known).ToList();
        const BindingFlags own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var facts = new Dictionary<string, object>();
        foreach (PropertyInfo fact in value.GetType().GetProperties(own)) facts[fact.Name] = fact.GetValue(value, null);
        foreach (FieldInfo fact in value.GetType().GetFields(own)) if (!fact.Name.Contains("<")) facts[fact.Name] = fact.GetValue(value);
        return facts.Where(fact => !IsUnknown(fact.Key, fact.Value)).ToDictionary(fact => CamelCase(fact.Key), fact => Known(fact.Value));
    }

    private static bool IsUnknown(string name, object value)
    {
        var list = value as ICollection;
        return value == null || value is License || (list != null && list.Count == 0) || (name == "HeldByThisDevice" && !(bool)value);
    }

    private static string CamelCase(string name)
    {
        return name == "Asked" ? "releaseRequest" : char.ToLowerInvariant(name[0]) + name.Substring(1);
    }

    private static Dictionary<string, object> LicenseOf(License license)
    {
        return new Dictionary<string, object>
        {
            { "type", license.Type },
            { "expiresAt", license.ExpiresAt.HasValue ? license.ExpiresAt.Value.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'") : null },
            { "activeSymbols", license.ActiveSymbols },
        };
    }
}
