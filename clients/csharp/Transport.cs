using System;
using System.Collections.Generic;

namespace LicenseSessions
{
    /// <summary>
    /// Sends a request and returns the response, of any status. Called on a thread of its own. It must neither
    /// follow redirects nor send a request twice. What it throws counts as no answer.
    /// </summary>
    /// <param name="request">what to POST</param>
    public delegate TransportResponse Transport(TransportRequest request);

    /// <summary>A request that a transport must POST.</summary>
    public sealed class TransportRequest
    {
        /// <summary>Where to.</summary>
        public Uri Url { get; private set; }

        /// <summary>The headers to send.</summary>
        public IDictionary<string, string> Headers { get; private set; }

        /// <summary>The body to send.</summary>
        public byte[] Body { get; private set; }

        /// <summary>Nothing waits longer for the answer, so the request should not be sent after this time.</summary>
        public TimeSpan Timeout { get; private set; }

        internal TransportRequest(Uri url, IDictionary<string, string> headers, byte[] body, TimeSpan timeout)
        {
            Url = url;
            Headers = headers;
            Body = body;
            Timeout = timeout;
        }
    }

    /// <summary>A response of any status.</summary>
    public sealed class TransportResponse
    {
        /// <summary>The HTTP status.</summary>
        public int Status { get; private set; }

        /// <summary>The headers, of which only a few count.</summary>
        public IDictionary<string, string> Headers { get; private set; }

        /// <summary>The body, decompressed.</summary>
        public byte[] Body { get; private set; }

        /// <summary>Makes a response.</summary>
        /// <param name="status">the HTTP status</param>
        /// <param name="headers">the headers, by name</param>
        /// <param name="body">the body, decompressed</param>
        public TransportResponse(int status, IDictionary<string, string> headers, byte[] body)
        {
            Status = status;
            Headers = headers;
            Body = body;
        }
    }
}
