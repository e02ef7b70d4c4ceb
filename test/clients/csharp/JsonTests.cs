using System;
using System.Collections.Generic;
using LicenseSessions;

/// <summary>JSON as the service and other languages read and write it.</summary>
internal static class JsonTests
{
    [Cases]
    internal static IEnumerable<Case> Read()
    {
        yield return Same("{\"a\":[1,-2.5e3,true,false,null,\"x\"],\"b\":{}}", new Dictionary<string, object>
        {
            { "a", new object[] { 1, -2500, true, false, null, "x" } }, { "b", new Dictionary<string, object>() },
        });
        yield return Same(" [ ] ", new object[0]);
        yield return Same("\"\\u00fc\\n\\\"\\\\\\/\\ud83d\\ude00\"", "ü\n\"\\/\U0001F600");
        yield return Same("{\"a\":1,\"a\":2}", new Dictionary<string, object> { { "a", 2 } });
        yield return new Case("more than a number can be is infinite", () => Expect.True(double.IsPositiveInfinity((double)Json.Parse("1e999")), "it is not"));
        foreach (string text in new[]
        {
            "", "{", "[1,]", "{\"a\"}", "{a:1}", "01", "+1", "1.", ".5", "1e", "-", "tru", "nul", "\"", "\"\\x\"", "\"\n\"", "\"\\u12g4\"", "1 2", "[1 2]", "NaN", "Infinity", "'x'", "\uFEFF1",
            new string('[', 100000),
        })
        {
            yield return new Case("is no JSON: " + (text.Length > 20 ? "nested without end" : text), () => Expect.Throws<FormatException>(() => Json.Parse(text)));
        }
    }

    [Cases]
    internal static IEnumerable<Case> Written()
    {
        yield return Text("a \"\\\n\u001f", "\"a \\\"\\\\\\u000a\\u001f\"");
        yield return Text("\U0001F600\ud800", "\"\\ud83d\\ude00\\ud800\"");
        yield return Text(new object[] { 1, 2L, 1.5, 0.1m, true, null, "x" }, "[1,2,1.5,0.1,true,null,\"x\"]");
        yield return Text(1e21, "1E+21");
        foreach (object value in new object[] { double.NaN, double.PositiveInfinity, new object(), new Dictionary<int, object> { { 1, 2 } } })
        {
            yield return new Case("has no form in JSON: " + value, () => Expect.Throws<ArgumentException>(() => Json.Write(value)));
        }
        yield return new Case("a list in itself has no form in JSON", () =>
        {
            var list = new List<object>();
            list.Add(list);
            Expect.Throws<ArgumentException>(() => Json.Write(list));
        });
        yield return new Case("a decimal comma of the machine is none of JSON's", () =>
        {
            var before = System.Threading.Thread.CurrentThread.CurrentCulture;
            System.Threading.Thread.CurrentThread.CurrentCulture = new System.Globalization.CultureInfo("de-DE");
            try
            {
                Expect.Same("[1.5,0.25]", Json.Write(new object[] { 1.5, 0.25m }));
                Expect.Same(1.5, Json.Parse("1.5"));
            }
            finally
            {
                System.Threading.Thread.CurrentThread.CurrentCulture = before;
            }
        });
    }

    private static Case Same(string text, object value)
    {
        return new Case("reads " + text, () => Expect.Same(value, Json.Parse(text)));
    }

    private static Case Text(object value, string text)
    {
        return new Case("writes " + text, () => Expect.True(Json.Write(value) == text, Json.Write(value)));
    }
}
