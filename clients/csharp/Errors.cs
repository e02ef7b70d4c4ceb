using System;
using System.Collections.Generic;

namespace LicenseSessions
{
    /// <summary>
    /// The base class of what <see cref="Session.Open"/> and
    /// <see cref="Session.Check"/> throw, except for invalid options
    /// (<see cref="ArgumentException"/>) and cancellation (<see cref="OperationCanceledException"/>).
    /// If there are several copies of this client in the process, the type is that of one of them. Programs
    /// that deal with all find the code in <c>Data["license_session.code"]</c>.
    /// </summary>
    public abstract class LicenseSessionException : Exception
    {
        /// <summary>A stable code for programs: one of the service, or of this client.</summary>
        public string Code { get; private set; }

        /// <summary>The HTTP status, if there was an answer.</summary>
        public int? Status { get; internal set; }

        /// <summary>By this id the operator of the service finds the request in the logs.</summary>
        public string RequestId { get; internal set; }

        internal LicenseSessionException(string code, string message, Exception cause = null)
            : base(message, cause)
        {
            Code = code;
            Data["license_session.code"] = code;
        }
    }

    /// <summary>
    /// Refused although the license is good: another device holds the session (<c>session_conflict</c>),
    /// every seat is taken (<c>session_limit</c>), or this opening is over at the service
    /// (<c>claim_late</c>, <c>session_ended</c>).
    /// </summary>
    public sealed class SessionRefusedException : LicenseSessionException
    {
        /// <summary>The first characters of the holder's fingerprint.</summary>
        public string ActiveDevice { get; internal set; }

        /// <summary>How long until the session lapses if its holder sends nothing more, in seconds.</summary>
        public double? WaitSeconds { get; internal set; }

        /// <summary>Of a claim with several symbols: each that is in the way.</summary>
        public IReadOnlyList<BlockedSymbol> Blocked { get; internal set; }

        /// <summary>Who holds the session and how it is doing, where the service says so.</summary>
        public SessionHolder Holder { get; internal set; }

        /// <summary>Whether the holder is this very device, in another process. An opening does not wait for that.</summary>
        public bool HeldByThisDevice { get; internal set; }

        /// <summary>Whether the holder is asked to release; false if it can't be asked, null if nobody asked.</summary>
        public bool? HolderAsked { get; internal set; }

        /// <summary>Whether a heartbeat's answer has carried that to the holder.</summary>
        public bool? HolderTold { get; internal set; }

        /// <summary>Whether the holder has answered that it keeps the session.</summary>
        public bool? HolderKeeps { get; internal set; }

        internal SessionRefusedException(string code, string message) : base(code, message)
        {
            Blocked = new BlockedSymbol[0];
        }
    }

    /// <summary>The license is unknown, suspended, cancelled or expired (401).</summary>
    public sealed class LicenseRefusedException : LicenseSessionException
    {
        internal LicenseRefusedException(string code, string message) : base(code, message)
        {
        }
    }

    /// <summary>The service can't read the request (400).</summary>
    public sealed class RequestUnreadableException : LicenseSessionException
    {
        /// <summary>The part that it can't read.</summary>
        public string Field { get; internal set; }

        internal RequestUnreadableException(string message) : base("bad_request", message)
        {
        }
    }

    /// <summary>The server at this address is not the license service (404 without a code).</summary>
    public sealed class ServiceNotFoundException : LicenseSessionException
    {
        internal ServiceNotFoundException(string message) : base("service_not_found", message)
        {
        }
    }

    /// <summary>No usable answer came in time.</summary>
    public sealed class ServiceUnavailableException : LicenseSessionException
    {
        /// <summary>What happened instead: a code of the service, <c>no_answer_in_time</c>, or text.</summary>
        public string Problem { get; private set; }

        internal ServiceUnavailableException(string problem, Exception cause)
            : base("unavailable", "The license service gave no usable answer: " + problem, cause)
        {
            Problem = problem;
        }
    }
}
