using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace LicenseSessions
{
    /// <summary>What to open, and how. Times of <see cref="Timeout.InfiniteTimeSpan"/> have no limit.</summary>
    public sealed class SessionOptions
    {
        /// <summary>Options with their defaults; <see cref="Url"/>, <see cref="LicenseKey"/> and
        /// <see cref="DeviceFingerprint"/> are needed.</summary>
        public SessionOptions()
        {
            RequestTimeout = TimeSpan.FromSeconds(5);
            OpenWithin = TimeSpan.FromSeconds(30);
            ReleaseAtExit = true;
        }

        /// <summary>Where the service is, as <c>https://abc.execute-api.eu-central-1.amazonaws.com</c>.</summary>
        public string Url { get; set; }

        /// <summary>1 to 128 characters.</summary>
        public string LicenseKey { get; set; }

        /// <summary>1 to 255 characters that stay the same on this device and differ from any other.</summary>
        public string DeviceFingerprint { get; set; }

        /// <summary>Each symbol has its own session; without one, the session without a symbol.</summary>
        public string Symbol { get; set; }

        /// <summary>
        /// Several symbols in one session, instead of <see cref="Symbol"/>: granted for all or for none, kept by
        /// one heartbeat.
        /// </summary>
        public IEnumerable<string> Symbols { get; set; }

        /// <summary>
        /// Refuses also while another process of this very device holds the session, which an opening replaces
        /// otherwise. For platforms that start a second instance by themselves.
        /// </summary>
        public bool OnlyIfFree { get; set; }

        /// <summary>
        /// Asks the holder to release, if another device holds the session. Together with
        /// <see cref="WaitWithin"/> it waits for the holder to do so. A holder that is asked keeps what it holds
        /// until it releases.
        /// </summary>
        public bool AskHolder { get; set; }

        /// <summary>
        /// Called before each heartbeat for what the bot reports. If it fails, or takes longer than a second,
        /// the heartbeat goes without it.
        /// </summary>
        public Func<SessionReport> Report { get; set; }

        /// <summary>
        /// Called for every change and every heartbeat, on a thread of its own, one call at a time. It may hang:
        /// then only later callbacks wait.
        /// </summary>
        public Action<SessionStatus> StatusChanged { get; set; }

        /// <summary>
        /// Called with each log line, on another thread of its own. By default, warnings go to
        /// <see cref="Console.Error"/>.
        /// </summary>
        public Action<LogLevel, string> Log { get; set; }

        /// <summary>
        /// The right ends at least this long before the session does. It can only shorten the right that the
        /// service names, and to half of the session at most. By default the right is what the service names.
        /// </summary>
        public TimeSpan? Margin { get; set; }

        /// <summary>The limit of each request; 5 s by default, and at most a third of the right.</summary>
        public TimeSpan RequestTimeout { get; set; }

        /// <summary>How long to try to open while the service gives no usable answer; 30 s by default.</summary>
        public TimeSpan OpenWithin { get; set; }

        /// <summary>
        /// How long to wait while another device holds the session; by default not at all. Nobody stands in a
        /// queue: who claims first gets what was released.
        /// </summary>
        public TimeSpan WaitWithin { get; set; }

        /// <summary>
        /// The service's public keys (<c>ed25519:...</c>), which its vendor publishes; two during a rotation. If
        /// given, an answer that is not signed by one of them neither grants nor ends anything.
        /// </summary>
        public IEnumerable<string> PublicKeys { get; set; }

        /// <summary>Sends the requests instead of this client's HTTP.</summary>
        public Transport Transport { get; set; }

        /// <summary>
        /// Release the session when the process ends, also by Ctrl-C unless a handler of
        /// <see cref="Console.CancelKeyPress"/> that was added before cancels that; <c>true</c> by default.
        /// </summary>
        public bool ReleaseAtExit { get; set; }
    }

    /// <summary>The options of an opening, checked and copied, so that later changes change nothing.</summary>
    internal sealed class SessionSettings
    {
        internal Caller Caller;
        internal Uri Url;
        internal Func<SessionReport> Report;
        internal Action<SessionStatus> StatusChanged;
        internal Action<LogLevel, string> Log;
        internal double? MarginMs;
        internal double RequestTimeoutMs;
        internal double OpenWithinMs;
        internal double WaitWithinMs;
        /// <summary><c>null</c> if answers are taken unsigned.</summary>
        internal PinnedKeys PinnedKeys;
        internal Transport Transport;
        internal bool ReleaseAtExit;

        /// <exception cref="ArgumentException">An option is missing or invalid.</exception>
        internal static SessionSettings Of(SessionOptions options)
        {
            if (options == null) throw new ArgumentNullException("options", "The options are missing: pass a SessionOptions with Url, LicenseKey and DeviceFingerprint.");
            if (options.Symbol != null && options.Symbols != null) throw new ArgumentException("Symbol and Symbols are both set: set only one of them.");
            return new SessionSettings
            {
                Url = ServiceUrl.Checked(options.Url),
                Caller = new Caller
                {
                    LicenseKey = Text("LicenseKey", options.LicenseKey, "1 to 128 characters"),
                    DeviceFingerprint = Text("DeviceFingerprint", options.DeviceFingerprint, "1 to 255 characters"),
                    Symbol = options.Symbol,
                    Symbols = SymbolsOf(options.Symbols),
                    OnlyIfFree = options.OnlyIfFree,
                    AskHolder = options.AskHolder,
                },
                Report = options.Report,
                StatusChanged = options.StatusChanged,
                Log = options.Log ?? WarnOnConsole,
                MarginMs = options.Margin.HasValue ? Time("Margin", options.Margin.Value, 0, false) : (double?)null,
                RequestTimeoutMs = Time("RequestTimeout", options.RequestTimeout, 1, false),
                OpenWithinMs = Time("OpenWithin", options.OpenWithin, 0, true),
                WaitWithinMs = Time("WaitWithin", options.WaitWithin, 0, true),
                PinnedKeys = options.PublicKeys == null ? null : new PinnedKeys(options.PublicKeys),
                Transport = options.Transport,
                ReleaseAtExit = options.ReleaseAtExit,
            };
        }

        private static void WarnOnConsole(LogLevel level, string text)
        {
            if (level == LogLevel.Warning) Console.Error.WriteLine(text);
        }

        /// <summary>Does not quote the value, which may be a key.</summary>
        private static string Text(string name, string value, string expected)
        {
            if (!string.IsNullOrWhiteSpace(value)) return value;
            string given = value == null ? "null" : value.Length == 0 ? "empty" : "only white space";
            throw new ArgumentException(name + " is " + given + ": " + expected + " are expected.", name);
        }

        private static IReadOnlyList<string> SymbolsOf(IEnumerable<string> symbols)
        {
            if (symbols == null) return null;
            string[] names = symbols.ToArray();
            if (names.Length == 0) throw new ArgumentException("Symbols is empty: name at least one symbol, or leave it out.", "Symbols");
            var seen = new Dictionary<string, string>();
            foreach (string name in names)
            {
                if (string.IsNullOrWhiteSpace(name)) throw new ArgumentException("Symbols has an entry that is empty: each is the name of a symbol.", "Symbols");
                string same;
                if (seen.TryGetValue(SymbolNames.Key(name), out same)) throw new ArgumentException("Symbols names one symbol twice, as \"" + same + "\" and \"" + name + "\".", "Symbols");
                seen[SymbolNames.Key(name)] = name;
            }
            return names;
        }

        private static double Time(string name, TimeSpan time, double leastMs, bool mayBeInfinite)
        {
            if (mayBeInfinite && time == Timeout.InfiniteTimeSpan) return Timing.LongestMs;
            if (time.TotalMilliseconds >= leastMs) return Math.Min(time.TotalMilliseconds, Timing.LongestMs);
            string expected = leastMs > 0 ? "a positive time" : "zero or more";
            if (mayBeInfinite) expected += " or Timeout.InfiniteTimeSpan";
            throw new ArgumentException(name + " is " + time + ": " + expected + " is expected.", name);
        }
    }
}
