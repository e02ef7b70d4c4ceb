using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace LicenseSessions
{
    /// <summary>
    /// HTTP with a new connection for each request, on plain sockets.
    ///
    /// The framework's HttpWebRequest is not used because what it does is set for the whole process: two
    /// connections to a host, addresses kept for two minutes, TLS 1.0 by default on .NET Framework 4.5. It also
    /// needs the thread pool, and repeats a request by itself when a kept-alive connection breaks.
    /// </summary>
    internal static class HttpTransport
    {
        /// <summary>Of a name with several addresses, the next is tried as well after this time.</summary>
        private const int NextAddressAfterMs = 250;

        /// <summary>Asked for the addresses of a host, for each request anew. Tests set it.</summary>
        internal static Func<string, IPAddress[]> AddressesOf = Dns.GetHostAddresses;

        /// <exception cref="Exception">No answer came; there are many kinds.</exception>
        internal static TransportResponse Send(TransportRequest request, Attempt attempt)
        {
            var deadline = new Deadline(request.Timeout);
            Uri url = request.Url;
            Uri proxy = ProxyOf(url);
            Uri first = proxy ?? url;
            using (Socket socket = Connect(ServiceUrl.AsciiHost(first), first.Port, deadline))
            {
                attempt.Hold(socket);
                socket.NoDelay = true;
                // Again before each read and write, where the framework asks.
                socket.ReceiveTimeout = socket.SendTimeout = deadline.LeftMs;
                using (Stream plain = new DeadlineStream(socket, deadline))
                {
                    bool isSecure = url.Scheme == "https";
                    if (proxy != null && isSecure) OpenTunnel(plain, url, ProxyAuthorization(proxy));
                    Stream stream = isSecure ? Secure(plain, url) : plain;
                    byte[] bytes = Bytes(request, proxy != null && !isSecure, proxy);
                    stream.Write(bytes, 0, bytes.Length);
                    stream.Flush();
                    TransportResponse response = new HttpReader(stream).Response();
                    if (response.Status == 407) throw new IOException("the proxy asks for a name and password (HTTP 407)");
                    return response;
                }
            }
        }

        /// <summary>The proxy that the framework would use: of the system, of the configuration or of the environment.</summary>
        private static Uri ProxyOf(Uri url)
        {
            IWebProxy proxies = WebRequest.DefaultWebProxy;
            if (proxies == null || proxies.IsBypassed(url)) return null;
            Uri proxy = proxies.GetProxy(url);
            if (proxy == null || proxy == url) return null;
            if (proxy.Scheme == "http") return proxy;
            throw new NotSupportedException("the system's proxy is a " + proxy.Scheme + " proxy, and only http proxies can be used: pass a Transport");
        }

        private static string ProxyAuthorization(Uri proxy)
        {
            string[] user = null;
            if (proxy.UserInfo.Length > 0) user = Uri.UnescapeDataString(proxy.UserInfo).Split(new[] { ':' }, 2);
            else
            {
                IWebProxy proxies = WebRequest.DefaultWebProxy;
                NetworkCredential known = proxies == null || proxies.Credentials == null ? null : proxies.Credentials.GetCredential(proxy, "Basic");
                if (known != null && known.UserName.Length > 0) user = new[] { known.UserName, known.Password };
            }
            if (user == null) return "";
            string token = Convert.ToBase64String(Encoding.UTF8.GetBytes(user[0] + ":" + (user.Length > 1 ? user[1] : "")));
            return "Proxy-Authorization: Basic " + token + "\r\n";
        }

        private static void OpenTunnel(Stream stream, Uri url, string authorization)
        {
            string authority = ServiceUrl.Authority(url, true);
            byte[] head = Encoding.ASCII.GetBytes(
                "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\nUser-Agent: " + ThreadRuntime.UserAgent + "\r\n" + authorization + "\r\n");
            stream.Write(head, 0, head.Length);
            int status = new HttpReader(stream).Head();
            if (status == 200) return;
            string problem = status == 407 ? "the proxy asks for a name and password" : "the proxy refused the connection";
            throw new IOException(problem + " (HTTP " + status + ")");
        }

        private static Stream Secure(Stream plain, Uri url)
        {
            var errors = SslPolicyErrors.None;
            // Judges as the framework does without it, and keeps what is wrong.
            var secure = new SslStream(plain, false, (sender, certificate, chain, found) => (errors = found) == SslPolicyErrors.None);
            try
            {
                // Named, because .NET Framework 4.5 would offer TLS 1.0 at most.
                secure.AuthenticateAsClient(ServiceUrl.AsciiHost(url), null, SslProtocols.Tls12, false);
            }
            catch (AuthenticationException)
            {
                if (errors == SslPolicyErrors.None) throw;
                throw new AuthenticationException(errors.ToString());
            }
            return secure;
        }

        private static byte[] Bytes(TransportRequest request, bool isAbsolute, Uri proxy)
        {
            var head = new StringBuilder();
            head.Append("POST ");
            if (isAbsolute) head.Append("http://").Append(ServiceUrl.Authority(request.Url));
            head.Append(request.Url.AbsolutePath).Append(" HTTP/1.1\r\nHost: ").Append(ServiceUrl.Authority(request.Url)).Append("\r\n");
            foreach (KeyValuePair<string, string> header in request.Headers) head.Append(header.Key).Append(": ").Append(header.Value).Append("\r\n");
            if (isAbsolute) head.Append(ProxyAuthorization(proxy));
            head.Append("Accept-Encoding: identity\r\nConnection: close\r\nContent-Length: ").Append(request.Body.Length).Append("\r\n\r\n");
            byte[] headBytes = Encoding.ASCII.GetBytes(head.ToString());
            var all = new byte[headBytes.Length + request.Body.Length];
            headBytes.CopyTo(all, 0);
            request.Body.CopyTo(all, headBytes.Length);
            return all;
        }

        /// <summary>Connects to the first address of a host that accepts.</summary>
        private static Socket Connect(string host, int port, Deadline deadline)
        {
            IPAddress literal;
            IPAddress[] addresses = IPAddress.TryParse(host, out literal) ? new[] { literal } : AddressesOf(host);
            var trying = new List<Socket>();
            Exception problem = new SocketException((int)SocketError.HostNotFound);
            try
            {
                for (int next = 0; next < addresses.Length || trying.Count > 0;)
                {
                    if (next < addresses.Length)
                    {
                        try
                        {
                            trying.Add(Begin(addresses[next], port));
                        }
                        catch (SocketException error)
                        {
                            problem = error;
                        }
                        next++;
                    }
                    if (trying.Count == 0) continue;
                    int waitMs = next < addresses.Length ? Math.Min(NextAddressAfterMs, deadline.LeftMs) : deadline.LeftMs;
                    Socket connected = Connected(trying, waitMs, ref problem);
                    if (connected == null) continue;
                    trying.Remove(connected);
                    connected.Blocking = true;
                    return connected;
                }
                throw problem;
            }
            finally
            {
                foreach (Socket socket in trying) socket.Dispose();
            }
        }

        private static Socket Begin(IPAddress address, int port)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            try
            {
                socket.Connect(new IPEndPoint(address, port));
            }
            catch (SocketException error)
            {
                if (error.SocketErrorCode == SocketError.WouldBlock || error.SocketErrorCode == SocketError.InProgress) return socket;
                socket.Dispose();
                throw;
            }
            return socket;
        }

        private static Socket Connected(List<Socket> trying, int waitMs, ref Exception problem)
        {
            var writable = new List<Socket>(trying);
            var failed = new List<Socket>(trying);
            Socket.Select(null, writable, failed, waitMs * 1000);
            // Windows names a failed attempt in the second list only, other systems in both.
            foreach (Socket socket in writable.Union(failed).ToArray())
            {
                var error = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error);
                if (error == 0 && writable.Contains(socket)) return socket;
                problem = new SocketException(error);
                trying.Remove(socket);
                socket.Dispose();
            }
            return null;
        }
    }

    /// <summary>The time of one request. No single read may wait beyond it.</summary>
    internal sealed class Deadline
    {
        private readonly long _endsTicks;

        internal Deadline(TimeSpan timeout)
        {
            _endsTicks = Stopwatch.GetTimestamp() + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
        }

        /// <exception cref="TimeoutException">It is over.</exception>
        internal int LeftMs
        {
            get
            {
                double leftMs = (_endsTicks - Stopwatch.GetTimestamp()) * 1000.0 / Stopwatch.Frequency;
                if (leftMs <= 0) throw new TimeoutException();
                return (int)Math.Ceiling(Math.Min(leftMs, int.MaxValue / 1000));
            }
        }
    }

    /// <summary>A socket's stream of which every read and write ends by the deadline.</summary>
    internal sealed class DeadlineStream : NetworkStream
    {
        private readonly Socket _socket;
        private readonly Deadline _deadline;

        internal DeadlineStream(Socket socket, Deadline deadline) : base(socket, false)
        {
            _socket = socket;
            _deadline = deadline;
        }

        public override int Read(byte[] buffer, int offset, int size)
        {
            _socket.ReceiveTimeout = _deadline.LeftMs;
            return base.Read(buffer, offset, size);
        }

        public override void Write(byte[] buffer, int offset, int size)
        {
            _socket.SendTimeout = _deadline.LeftMs;
            base.Write(buffer, offset, size);
        }
    }

    /// <summary>One attempt to send a request, which another thread may abort.</summary>
    internal sealed class Attempt
    {
        private readonly object _lock = new object();
        private Socket _socket;
        private bool _givenUp;

        /// <summary>Sets the socket to close if the attempt is given up.</summary>
        /// <exception cref="TimeoutException">It is given up already, so nothing may be sent.</exception>
        internal void Hold(Socket socket)
        {
            lock (_lock)
            {
                if (_givenUp) throw new TimeoutException();
                _socket = socket;
            }
        }

        /// <summary>Ensures that the request is not sent later, and closes a hanging connection.</summary>
        internal void GiveUp()
        {
            lock (_lock)
            {
                _givenUp = true;
                if (_socket == null) return;
                try
                {
                    _socket.Shutdown(SocketShutdown.Both);
                }
                catch (Exception)
                {
                    // It is closed already.
                }
            }
        }
    }
}
