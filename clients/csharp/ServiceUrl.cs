using System;
using System.Globalization;
using System.Linq;

namespace LicenseSessions
{
    /// <summary>The address of the service.</summary>
    internal static class ServiceUrl
    {
        private const string Expected = "an address as https://abc.execute-api.eu-central-1.amazonaws.com is expected.";

        /// <exception cref="ArgumentException">It is missing or invalid. The message quotes no password.</exception>
        internal static Uri Checked(string url)
        {
            if (string.IsNullOrWhiteSpace(url)) throw Invalid("is missing");
            string text = url.Trim();
            if (text.IndexOf('@') >= 0) throw Invalid("has a user name or password in it, which the service does not take");
            if (text.IndexOfAny(new[] { '?', '#' }) >= 0) throw Invalid("has a query or fragment, which belongs to no base address");
            if (text.Any(c => c == '\\' || char.IsWhiteSpace(c) || char.IsControl(c))) throw Invalid("has a space or a backslash in it");
            Uri uri;
            if (!Uri.TryCreate(text, UriKind.Absolute, out uri)) throw Invalid("is no address");
            if (uri.Scheme != "http" && uri.Scheme != "https") throw Invalid("begins with " + uri.Scheme + ":, and only http and https are spoken");
            if (uri.Host.Length == 0) throw Invalid("names no host");
            return new Uri(uri.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/");
        }

        /// <summary>The host's name as a resolver and a certificate know it.</summary>
        internal static string AsciiHost(Uri url)
        {
            string host = url.DnsSafeHost;
            foreach (char c in host)
            {
                if (c > 127) return new IdnMapping().GetAscii(host);
            }
            return host;
        }

        /// <summary>Host and port. The usual port is left out, unless all are to be named.</summary>
        internal static string Authority(Uri url, bool withAnyPort = false)
        {
            string host = AsciiHost(url);
            if (host.IndexOf(':') >= 0) host = "[" + host + "]";
            return url.IsDefaultPort && !withAnyPort ? host : host + ":" + url.Port.ToString(CultureInfo.InvariantCulture);
        }

        private static ArgumentException Invalid(string problem)
        {
            return new ArgumentException("Url " + problem + ": " + Expected, "Url");
        }
    }
}
