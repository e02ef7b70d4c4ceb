using System;

namespace LicenseSessions
{
    /// <summary>Reports every change to the program and its log. Never throws, and never blocks.</summary>
    internal sealed class Notifier
    {
        private readonly SessionSettings _settings;
        private readonly IRuntime _runtime;
        private readonly string _name;
        private SessionState? _lastState;

        internal Notifier(SessionSettings settings, IRuntime runtime)
        {
            _settings = settings;
            _runtime = runtime;
            Caller caller = settings.Caller;
            string symbol = caller.Symbols == null ? caller.Symbol : string.Join(", ", caller.Symbols);
            _name = symbol == null ? "License session: " : "License session " + symbol + ": ";
        }

        /// <summary>Logs the status, and queues the callback of the program, in order.</summary>
        internal void Notify(SessionStatus status)
        {
            bool changed = status.State != _lastState;
            _lastState = status.State;
            bool isLoss = status.State == SessionState.Ended && status.End.Reason != EndReason.Released;
            bool isWarning = isLoss || (changed && status.State == SessionState.Opening);
            Say(isWarning ? LogLevel.Warning : changed ? LogLevel.Info : LogLevel.Debug, status.ToString());
            Call(_settings.StatusChanged, status, "SessionOptions.StatusChanged", status.State != SessionState.Ended);
        }

        /// <summary>Queues a callback. What it throws is logged.</summary>
        internal void Call<T>(Action<T> callback, T argument, string name, bool mayDrop)
        {
            if (callback == null) return;
            _runtime.Call(() => CallNow(callback, argument, name), mayDrop);
        }

        internal void Say(LogLevel level, string text)
        {
            Action<LogLevel, string> log = _settings.Log;
            if (log == null) return;
            string line = _name + text;
            _runtime.Log(() => log(level, line));
        }

        private void CallNow<T>(Action<T> callback, T argument, string name)
        {
            try
            {
                callback(argument);
            }
            catch (Exception error)
            {
                Say(LogLevel.Warning, name + " failed: " + error);
            }
        }
    }
}
