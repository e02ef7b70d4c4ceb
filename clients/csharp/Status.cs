using System;
using System.Collections.Generic;

namespace LicenseSessions
{
    /// <summary>What a session is doing.</summary>
    public enum SessionState
    {
        /// <summary>A claim got no usable answer (<see cref="SessionStatus.Problem"/>); it is tried again.</summary>
        Opening,
        /// <summary>Another device holds the session, or every seat is taken; it is tried again.</summary>
        Waiting,
        /// <summary>The service has confirmed the session; the right lasts <see cref="SessionStatus.RightLasts"/>.</summary>
        Held,
        /// <summary>A heartbeat was not confirmed; the right still lasts <see cref="SessionStatus.RightLasts"/>.</summary>
        Troubled,
        /// <summary>
        /// No right until the service answers: the process was asleep or stuck until its right was over,
        /// or may have been, as the clocks have parted (<c>clocks_parted</c>).
        /// </summary>
        Asking,
        /// <summary>Nothing follows; <see cref="SessionStatus.End"/> says why.</summary>
        Ended,
    }

    /// <summary>Why a session is over.</summary>
    public enum EndReason
    {
        /// <summary>
        /// Another device or a later claim of this one holds it, or an operator ended it. Stop, and claim
        /// again only if a person decides so.
        /// </summary>
        Taken,
        /// <summary>The license was suspended, cancelled, deleted or has expired. Stop.</summary>
        LicenseEnded,
        /// <summary>Not confirmed in time, or gone from the service. May be claimed again.</summary>
        Lost,
        /// <summary>Released by the program itself.</summary>
        Released,
    }

    /// <summary>What a release came to.</summary>
    public enum ReleaseOutcome
    {
        /// <summary>The key is free.</summary>
        Released,
        /// <summary>The session no longer existed.</summary>
        NotHeld,
        /// <summary>Given up, but the service keeps the session for others of its symbols until it lapses.</summary>
        LeftToLapse,
        /// <summary>No answer came within 5 s, so the session lapses by itself.</summary>
        Unconfirmed,
    }

    /// <summary>How much a log line matters.</summary>
    public enum LogLevel
    {
        /// <summary>Every confirmed heartbeat.</summary>
        Debug,
        /// <summary>A change that needs no attention.</summary>
        Info,
        /// <summary>The loss of a session, and what the program should correct.</summary>
        Warning,
    }

    /// <summary>Why a session is over, and who has it.</summary>
    public sealed class SessionEnd
    {
        /// <summary>What to do about it.</summary>
        public EndReason Reason { get; private set; }

        /// <summary>
        /// The code of the service, or <c>no_answer_in_time</c>, <c>keeper_failed</c> (a bug of this
        /// client) or <c>released</c>.
        /// </summary>
        public string Code { get; private set; }

        /// <summary>The first characters of the fingerprint of the device that holds it, if that is known.</summary>
        public string ActiveDevice { get; private set; }

        internal SessionEnd(EndReason reason, string code, string activeDevice = null)
        {
            Reason = reason;
            Code = code;
            ActiveDevice = activeDevice;
        }

        /// <summary>For a log line.</summary>
        public override string ToString()
        {
            return Reason + " (" + Code + ")" + (ActiveDevice == null ? "" : ", held by " + ActiveDevice);
        }
    }

    /// <summary>What <see cref="SessionOptions.StatusChanged"/> is called with.</summary>
    public sealed class SessionStatus
    {
        /// <summary>What the session is doing.</summary>
        public SessionState State { get; private set; }

        /// <summary>What went wrong: a code of the service, <c>no_answer_in_time</c>, <c>clocks_parted</c>, or text.</summary>
        public string Problem { get; internal set; }

        /// <summary>How long the right lasts unless a heartbeat is confirmed.</summary>
        public TimeSpan RightLasts { get; internal set; }

        /// <summary>While waiting: why, with who holds the session and how long that may last.</summary>
        public SessionRefusedException Refusal { get; internal set; }

        /// <summary>While waiting: whether the holder is asked to release; false: it can't be asked, null: nobody asked.</summary>
        public bool? HolderAsked { get; internal set; }

        /// <summary>While waiting: whether a heartbeat's answer has carried that to the holder.</summary>
        public bool? HolderTold { get; internal set; }

        /// <summary>While waiting: whether the holder has answered that it keeps the session.</summary>
        public bool? HolderKeeps { get; internal set; }

        /// <summary>Why the session is over, once it is.</summary>
        public SessionEnd End { get; internal set; }

        internal SessionStatus(SessionState state)
        {
            State = state;
        }

        /// <summary>For a log line.</summary>
        public override string ToString()
        {
            string lasts = RightLasts.TotalSeconds.ToString("0.0", System.Globalization.CultureInfo.InvariantCulture) + " s";
            switch (State)
            {
                case SessionState.Opening: return "not open yet (" + Problem + "); trying again";
                case SessionState.Waiting: return "waiting: " + Refusal.Message;
                case SessionState.Held: return "held; the right lasts " + lasts;
                case SessionState.Troubled: return "a heartbeat was not confirmed (" + Problem + "); the right still lasts " + lasts;
                case SessionState.Asking: return "no right until the service confirms it (" + (Problem ?? "this machine was asleep") + ")";
                default: return "over: " + End;
            }
        }
    }

    /// <summary>A symbol that a session of several has lost. The others are still held.</summary>
    public sealed class SymbolLoss
    {
        /// <summary>The symbol, as the program wrote it.</summary>
        public string Symbol { get; private set; }

        /// <summary>The code of the service, such as <c>session_taken</c>.</summary>
        public string Code { get; private set; }

        /// <summary>The first characters of the fingerprint of the device that holds it, if that is known.</summary>
        public string ActiveDevice { get; private set; }

        internal SymbolLoss(string symbol, string code, string activeDevice)
        {
            Symbol = symbol;
            Code = code;
            ActiveDevice = activeDevice;
        }
    }

    /// <summary>Another device asks for the session.</summary>
    public sealed class ReleaseRequest
    {
        /// <summary>The first characters of its fingerprint.</summary>
        public string Device { get; private set; }

        /// <summary>How long ago it asked first, in seconds.</summary>
        public double SecondsAgo { get; private set; }

        /// <summary>The symbols it asks for; empty where the session has none or only one.</summary>
        public IReadOnlyList<string> Symbols { get; private set; }

        internal ReleaseRequest(string device, double secondsAgo, IReadOnlyList<string> symbols)
        {
            Device = device;
            SecondsAgo = secondsAgo;
            Symbols = symbols;
        }
    }

    /// <summary>Who holds a session, and how it is doing.</summary>
    public sealed class SessionHolder
    {
        /// <summary>The first characters of its fingerprint.</summary>
        public string Device { get; private set; }

        /// <summary>For how long it has held the session, in seconds.</summary>
        public double? SinceSeconds { get; private set; }

        /// <summary>How long ago its last heartbeat came, in seconds.</summary>
        public double? LastHeartbeatSecondsAgo { get; private set; }

        /// <summary>The status that it reported last, if it reports one.</summary>
        public string Status { get; private set; }

        internal SessionHolder(string device, double? sinceSeconds, double? lastHeartbeatSecondsAgo, string status)
        {
            Device = device;
            SinceSeconds = sinceSeconds;
            LastHeartbeatSecondsAgo = lastHeartbeatSecondsAgo;
            Status = status;
        }
    }

    /// <summary>One of the symbols that are in the way of a claim.</summary>
    public sealed class BlockedSymbol
    {
        /// <summary>The symbol, as the program wrote it.</summary>
        public string Symbol { get; internal set; }

        /// <summary>The first characters of the holder's fingerprint.</summary>
        public string ActiveDevice { get; internal set; }

        /// <summary>How long until it lapses if its holder sends nothing more, in seconds.</summary>
        public double? WaitSeconds { get; internal set; }

        /// <summary>Who holds it and how it is doing, where the service says so.</summary>
        public SessionHolder Holder { get; internal set; }

        /// <summary>Whether the holder is this very device.</summary>
        public bool HeldByThisDevice { get; internal set; }

        /// <summary>Whether its holder is asked to release it; false if it can't be asked, null if nobody asked.</summary>
        public bool? HolderAsked { get; internal set; }

        /// <summary>Whether a heartbeat's answer has carried that to the holder.</summary>
        public bool? HolderTold { get; internal set; }

        /// <summary>Whether the holder has answered that it keeps it.</summary>
        public bool? HolderKeeps { get; internal set; }

        internal BlockedSymbol()
        {
        }
    }

    /// <summary>What the service says about the license.</summary>
    public sealed class License
    {
        /// <summary>The type that the operator set, such as <c>standard</c>.</summary>
        public string Type { get; private set; }

        /// <summary>When it ends, in UTC; <c>null</c> if it never does.</summary>
        public DateTime? ExpiresAt { get; private set; }

        /// <summary>The symbols with a live session on any device.</summary>
        public IReadOnlyList<string> ActiveSymbols { get; private set; }

        internal License(string type, DateTime? expiresAt, IReadOnlyList<string> activeSymbols)
        {
            Type = type;
            ExpiresAt = expiresAt;
            ActiveSymbols = activeSymbols;
        }

        internal License WithType(string type)
        {
            return new License(type, ExpiresAt, ActiveSymbols);
        }
    }

    /// <summary>Whether a session could be opened now.</summary>
    public sealed class SessionCheck
    {
        /// <summary>Whether it could.</summary>
        public bool Available
        {
            get { return Refusal == null; }
        }

        /// <summary>What the service says about the license; <c>null</c> if a session is in the way.</summary>
        public License License { get; private set; }

        /// <summary>
        /// What an opening would throw; <c>null</c> if it would succeed. <see cref="SessionRefusedException.Holder"/>
        /// says how the bot that holds the session is doing.
        /// </summary>
        public SessionRefusedException Refusal { get; private set; }

        internal SessionCheck(License license, SessionRefusedException refusal)
        {
            License = license;
            Refusal = refusal;
        }
    }
}
