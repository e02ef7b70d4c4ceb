using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using LicenseSessions;

/// <summary>Runs the tests and prints the outcome of each as a line of JSON.</summary>
internal static class Program
{
    /// <summary>The repository.</summary>
    internal static string Root;

    private static int Main(string[] words)
    {
        if (words[0] == "--program") return Programs.Run(words[1], words[2]);
        Root = words[0];
        string only = words.Length > 1 ? words[1] : "";
        bool passed = true;
        foreach (Type group in typeof(Program).Assembly.GetTypes().OrderBy(type => type.Name))
        {
            Case[] cases = CasesOf(group).Where(one => (group.Name + ": " + one.Name).Contains(only)).ToArray();
            // Those that wait for heartbeats more than they compute.
            bool sideBySide = Attribute.IsDefined(group, typeof(SideBySideAttribute));
            if (!sideBySide) foreach (Case one in cases) passed &= Run(group.Name, one);
            else
            {
                var outcomes = new bool[cases.Length];
                Thread[] threads = cases.Select((one, at) => new Thread(() => outcomes[at] = Run(group.Name, one))).ToArray();
                foreach (Thread thread in threads) thread.Start();
                foreach (Thread thread in threads) thread.Join();
                passed &= outcomes.All(outcome => outcome);
            }
        }
        return passed ? 0 : 1;
    }

    private static IEnumerable<Case> CasesOf(Type group)
    {
        foreach (MethodInfo method in group.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
        {
            var guarantee = (TestAttribute)Attribute.GetCustomAttribute(method, typeof(TestAttribute));
            if (guarantee != null && method.GetParameters().Length == 0) yield return new Case(guarantee.Name, (Action)Delegate.CreateDelegate(typeof(Action), method));
            else if (guarantee != null) yield return new Case(guarantee.Name, (Action<FakeServer>)Delegate.CreateDelegate(typeof(Action<FakeServer>), method));
            if (!Attribute.IsDefined(method, typeof(CasesAttribute))) continue;
            foreach (Case one in (IEnumerable<Case>)method.Invoke(null, null)) yield return one;
        }
    }

    private static bool Run(string group, Case test)
    {
        string detail = "";
        try
        {
            test.Run();
        }
        catch (Exception error)
        {
            detail = error.ToString();
        }
        var line = new Dictionary<string, object>
        {
            { "group", group }, { "name", test.Name }, { "outcome", detail == "" ? "passed" : "failed" }, { "detail", detail },
        };
        lock (Console.Out)
        {
            Console.WriteLine(Json.Write(line));
            Console.Out.Flush();
        }
        return detail == "";
    }

    internal static object ReadJson(string path)
    {
        return Json.Parse(File.ReadAllText(Path.Combine(Root, path)));
    }
}

/// <summary>A test, named for what it guarantees. It may take a server of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TestAttribute : Attribute
{
    internal readonly string Name;

    public TestAttribute(string name)
    {
        Name = name;
    }
}

/// <summary>Returns tests, one for each entry of a table.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CasesAttribute : Attribute
{
}

/// <summary>The tests of this group may run at one time.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class SideBySideAttribute : Attribute
{
}

internal sealed class Case
{
    internal readonly string Name;
    internal readonly Action Run;

    internal Case(string name, Action run)
    {
        Name = name;
        Run = run;
    }

    internal Case(string name, Action<FakeServer> run) : this(name, () => { using (var server = new FakeServer()) run(server); })
    {
    }
}

internal static class Expect
{
    /// <summary>Compares values as the JSON that they are written as, which shows both.</summary>
    internal static void Same(object expected, object actual, string what = "")
    {
        string wanted = Json.Write(Sorted(expected));
        string got = Json.Write(Sorted(actual));
        if (wanted != got) throw new Exception(what + "\nexpected " + wanted + "\n     got " + got);
    }

    internal static void True(bool condition, string what)
    {
        if (!condition) throw new Exception(what);
    }

    internal static T Throws<T>(Action run) where T : Exception
    {
        try
        {
            run();
        }
        catch (T error)
        {
            return error;
        }
        throw new Exception("expected a " + typeof(T).Name + ", and nothing was thrown");
    }

    private static object Sorted(object value)
    {
        var members = value as IDictionary<string, object>;
        if (members != null) return members.OrderBy(member => member.Key, StringComparer.Ordinal).ToDictionary(member => member.Key, member => Sorted(member.Value));
        var text = value as string;
        var values = value as System.Collections.IEnumerable;
        if (text == null && values != null) return values.Cast<object>().Select(Sorted).ToList();
        return value is int || value is long || value is float ? Convert.ToDouble(value) : value;
    }
}
