using System;
using System.Collections.Generic;

namespace LicenseSessions
{
    /// <summary>What a bot reports with a heartbeat. What is <c>null</c> is not sent.</summary>
    public sealed class SessionReport
    {
        /// <summary>At most 64 characters.</summary>
        public string BotVersion { get; set; }

        /// <summary>At most 64 characters.</summary>
        public string Status { get; set; }

        /// <summary>At most 1,024 bytes as JSON: texts, numbers, booleans, lists and dictionaries.</summary>
        public IDictionary<string, object> Metadata { get; set; }
    }

    /// <summary>
    /// The program's report for a heartbeat. It is read and written as JSON on the program's thread, because
    /// its dictionaries may be code of the program.
    /// </summary>
    internal sealed class Reporter
    {
        private readonly Func<SessionReport> _report;
        private readonly IRuntime _runtime;
        private readonly Notifier _notifier;

        internal Reporter(SessionSettings settings, IRuntime runtime, Notifier notifier)
        {
            _report = settings.Report;
            _runtime = runtime;
            _notifier = notifier;
        }

        /// <summary>The report as JSON text; <c>null</c> if there is none, if it fails or is not ready in time.</summary>
        internal string Take(Func<double> until)
        {
            if (_report == null) return null;
            var taken = new Taken();
            _runtime.Call(() => Run(taken), true);
            _runtime.Pause(() => taken.IsDone ? 0 : until());
            lock (_runtime.Sync)
            {
                if (taken.IsDone) return taken.Text;
                // A report that is still queued is not asked for any more.
                taken.IsLate = true;
            }
            _notifier.Say(LogLevel.Warning, "The report took too long; the heartbeat is sent without it");
            return null;
        }

        private void Run(Taken taken)
        {
            lock (_runtime.Sync)
            {
                if (taken.IsLate) return;
            }
            string text = null;
            try
            {
                text = TextOf(_report());
            }
            catch (Exception error)
            {
                _notifier.Say(LogLevel.Warning, "The report failed; the heartbeat is sent without it: " + error);
            }
            lock (_runtime.Sync)
            {
                taken.Text = text;
                taken.IsDone = true;
            }
            _runtime.Wake();
        }

        private static string TextOf(SessionReport report)
        {
            if (report == null) return null;
            var fields = new Dictionary<string, object>();
            if (report.BotVersion != null) fields["bot_version"] = report.BotVersion;
            if (report.Status != null) fields["status"] = report.Status;
            if (report.Metadata != null) fields["metadata"] = report.Metadata;
            return fields.Count == 0 ? null : Json.Write(fields);
        }

        private sealed class Taken
        {
            internal string Text;
            internal bool IsDone;
            internal bool IsLate;
        }
    }
}
