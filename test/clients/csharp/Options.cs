using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using LicenseSessions;

/// <summary>A first use without riddles: what is wrong with an option is said before anything is sent.</summary>
internal static class Options
{
    [Cases]
    internal static IEnumerable<Case> Wrong()
    {
        yield return Says("no options", null, "The options are missing: pass a SessionOptions with Url, LicenseKey and DeviceFingerprint.");
        yield return Says("no URL", bot => bot.Url = null, "Url is missing: an address as https://");
        yield return Says("a URL of white space", bot => bot.Url = " ", "Url is missing: ");
        yield return Says("a URL without scheme", bot => bot.Url = "license.example", "Url is no address: ");
        yield return Says("a URL of another scheme", bot => bot.Url = "ftp://license.example", "Url begins with ftp:, and only http and https are spoken: ");
        yield return Says("a URL with a password", bot => bot.Url = "https://me:secret@license.example", "Url has a user name or password in it, which the service does not take: ");
        yield return Says("a URL with a query", bot => bot.Url = "https://license.example/?a=1", "Url has a query or fragment, which belongs to no base address: ");
        yield return Says("a URL with a fragment", bot => bot.Url = "https://license.example/#a", "Url has a query or fragment");
        yield return Says("no key", bot => bot.LicenseKey = null, "LicenseKey is null: 1 to 128 characters are expected.");
        yield return Says("an empty key", bot => bot.LicenseKey = "", "LicenseKey is empty: ");
        yield return Says("a key of white space", bot => bot.LicenseKey = " ", "LicenseKey is only white space: ");
        yield return Says("no fingerprint", bot => bot.DeviceFingerprint = null, "DeviceFingerprint is null: 1 to 255 characters are expected.");
        yield return Says("both kinds of symbols", bot => bot.Symbols = new[] { "NQ" }, "Symbol and Symbols are both set: set only one of them.");
        yield return Says("no symbols", bot => Several(bot), "Symbols is empty: name at least one symbol, or leave it out.");
        yield return Says("an empty symbol", bot => Several(bot, "ES", ""), "Symbols has an entry that is empty: each is the name of a symbol.");
        yield return Says("a symbol twice", bot => Several(bot, "es", "NQ", "ES"), "Symbols names one symbol twice, as \"es\" and \"ES\".");
        yield return Says("a negative margin", bot => bot.Margin = TimeSpan.FromSeconds(-1), "Margin is -00:00:01: zero or more is expected.");
        yield return Says("no time for a request", bot => bot.RequestTimeout = TimeSpan.Zero, "RequestTimeout is 00:00:00: a positive time is expected.");
        yield return Says("requests without limit", bot => bot.RequestTimeout = Timeout.InfiniteTimeSpan, "RequestTimeout is -00:00:00.0010000: a positive time is expected.");
        yield return Says("a negative time to open", bot => bot.OpenWithin = TimeSpan.FromSeconds(-5), "OpenWithin is -00:00:05: zero or more or Timeout.InfiniteTimeSpan is expected.");
        yield return Says("no key to pin", bot => bot.PublicKeys = new string[0], "PublicKeys is empty: ");
    }

    [Cases]
    internal static IEnumerable<Case> Addresses()
    {
        foreach (object vector in (List<object>)Program.ReadJson("clients/vectors/urls.json"))
        {
            yield return new Case("in an address, " + vector.Text("guarantee"), () => CheckUrl(vector));
        }
        yield return new Case("a name of other letters is asked for in ASCII", () => Expect.Same("xn--brse-5qa.example", ServiceUrl.Authority(new Uri("https://börse.example/"))));
        yield return new Case("an unusual port is named", () => Expect.Same("[::1]:3000", ServiceUrl.Authority(new Uri("http://[::1]:3000/"))));
    }

    [Test("times without limit are some thirty years, and later changes of the options change nothing")]
    internal static void Copied()
    {
        SessionOptions bot = Bot();
        bot.Symbol = null;
        var names = new List<string> { "ES", "NQ" };
        bot.Symbols = names;
        bot.WaitWithin = Timeout.InfiniteTimeSpan;
        bot.OpenWithin = TimeSpan.MaxValue;
        SessionSettings settings = SessionSettings.Of(bot);
        names.Clear();
        bot.LicenseKey = "another";
        Expect.Same(new object[] { 1e12, 1e12, 2, "KEY" }, new object[] { settings.WaitWithinMs, settings.OpenWithinMs, settings.Caller.Symbols.Count, settings.Caller.LicenseKey });
    }

    private static SessionOptions Bot()
    {
        return new SessionOptions { Url = "https://license.example", LicenseKey = "KEY", DeviceFingerprint = "device", Symbol = "ES" };
    }

    private static void Several(SessionOptions bot, params string[] symbols)
    {
        bot.Symbol = null;
        bot.Symbols = symbols;
    }

    private static Case Says(string what, Action<SessionOptions> change, string expected)
    {
        return new Case("says what is wrong with " + what, () =>
        {
            SessionOptions bot = Bot();
            if (change == null) bot = null;
            else change(bot);
            string message = Expect.Throws<ArgumentException>(() => Session.Open(bot)).Message;
            Expect.True(message.StartsWith(expected) && !message.Contains("secret"), message);
            Expect.Throws<ArgumentException>(() => Session.Check(bot));
        });
    }

    private static void CheckUrl(object vector)
    {
        if (vector.Has("refused"))
        {
            string message = Expect.Throws<ArgumentException>(() => ServiceUrl.Checked(vector.Text("given"))).Message;
            Expect.True(message.StartsWith("Url ") && !message.Contains("s3cret"), message);
            return;
        }
        Expect.Same(vector.Text("claim"), new Uri(ServiceUrl.Checked(vector.Text("given")), Caller.ClaimPath).AbsoluteUri);
    }
}
