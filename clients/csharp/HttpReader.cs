using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Text;

namespace LicenseSessions
{
    /// <summary>Reads one HTTP/1.1 response, and no more than an answer of the service can have.</summary>
    internal sealed class HttpReader
    {
        /// <summary>Far more than any answer of the service.</summary>
        private const int LongestAnswerBytes = 1024 * 1024;
        private const int LongestHeadBytes = 64 * 1024;

        private readonly Stream _stream;
        private readonly byte[] _buffer = new byte[8192];
        private int _at;
        private int _end;
        private int _headBytes;
        private Dictionary<string, string> _headers;

        internal HttpReader(Stream stream)
        {
            _stream = stream;
        }

        /// <exception cref="IOException">The answer is cut off, too long or not HTTP.</exception>
        internal TransportResponse Response()
        {
            int status = Head();
            // A 1xx comes before the answer.
            while (status < 200) status = Head();
            return new TransportResponse(status, _headers, Decompressed(status == 204 || status == 304 ? new byte[0] : Body()));
        }

        /// <summary>Reads the status line and the headers.</summary>
        internal int Head()
        {
            string[] parts = Line().Split(new[] { ' ' }, 3);
            int status;
            if (!parts[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || parts.Length < 2
                || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out status) || status < 100 || status > 999)
            {
                throw new IOException("the answer is not HTTP/1.1");
            }
            _headers = new Dictionary<string, string>();
            for (string line = Line(); line.Length > 0; line = Line())
            {
                int colon = line.IndexOf(':');
                if (colon <= 0) throw new IOException("a header of the answer can't be read");
                string name = line.Substring(0, colon).ToLowerInvariant();
                string value = line.Substring(colon + 1).Trim(' ', '\t');
                string known;
                _headers[name] = _headers.TryGetValue(name, out known) ? known + ", " + value : value;
            }
            return status;
        }

        private byte[] Body()
        {
            string encoding;
            if (_headers.TryGetValue("transfer-encoding", out encoding) && encoding.ToLowerInvariant() != "identity")
            {
                if (encoding.ToLowerInvariant() != "chunked") throw new IOException("the answer is sent in a form that was not asked for");
                return Chunks();
            }
            string length;
            if (!_headers.TryGetValue("content-length", out length)) return Rest();
            long bytes;
            if (!long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out bytes)) throw new IOException("the length of the answer can't be read");
            var body = new MemoryStream();
            Copy(bytes, body);
            return body.ToArray();
        }

        private byte[] Chunks()
        {
            var body = new MemoryStream();
            while (true)
            {
                string size = Line().Split(';')[0].Trim();
                int bytes;
                if (!int.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes) || bytes < 0) throw new IOException("a part of the answer can't be read");
                if (bytes == 0)
                {
                    while (Line().Length > 0) { }
                    return body.ToArray();
                }
                Copy(bytes, body);
                if (Line().Length > 0) throw new IOException("a part of the answer can't be read");
            }
        }

        /// <summary>
        /// What comes until the connection is closed. That it is whole is seen only by reading it, and JSON
        /// that is cut off is none.
        /// </summary>
        private byte[] Rest()
        {
            var body = new MemoryStream();
            while (Fill())
            {
                Append(body, _end - _at);
            }
            return body.ToArray();
        }

        private void Copy(long bytes, MemoryStream body)
        {
            if (bytes + body.Length > LongestAnswerBytes) throw TooLong();
            while (bytes > 0)
            {
                if (!Fill()) throw new IOException("the connection was closed before the answer was whole");
                int part = (int)Math.Min(bytes, _end - _at);
                Append(body, part);
                bytes -= part;
            }
        }

        private void Append(MemoryStream body, int bytes)
        {
            if (bytes + body.Length > LongestAnswerBytes) throw TooLong();
            body.Write(_buffer, _at, bytes);
            _at += bytes;
        }

        /// <summary>A proxy may compress although that was not asked for.</summary>
        private byte[] Decompressed(byte[] body)
        {
            string encoding;
            if (body.Length == 0 || !_headers.TryGetValue("content-encoding", out encoding)) return body;
            switch (encoding.ToLowerInvariant())
            {
                case "identity": return body;
                case "gzip": case "x-gzip": return Inflated(new GZipStream(new MemoryStream(body), CompressionMode.Decompress));
                // With the two bytes of zlib in front, as the standard says, or without, as some send it.
                case "deflate":
                    int skipped = body.Length > 2 && (body[0] & 0x0f) == 8 && (body[0] * 256 + body[1]) % 31 == 0 ? 2 : 0;
                    return Inflated(new DeflateStream(new MemoryStream(body, skipped, body.Length - skipped), CompressionMode.Decompress));
                default: throw new IOException("the answer is compressed as " + encoding + ", which was not asked for");
            }
        }

        private static byte[] Inflated(Stream stream)
        {
            var body = new MemoryStream();
            var buffer = new byte[8192];
            using (stream)
            {
                for (int read = stream.Read(buffer, 0, buffer.Length); read > 0; read = stream.Read(buffer, 0, buffer.Length))
                {
                    if (read + body.Length > LongestAnswerBytes) throw TooLong();
                    body.Write(buffer, 0, read);
                }
            }
            return body.ToArray();
        }

        private string Line()
        {
            var line = new StringBuilder();
            while (true)
            {
                if (!Fill())
                {
                    throw new IOException(_headBytes == 0 ? "the connection was closed without an answer" : "the connection was closed before the answer was whole");
                }
                char c = (char)_buffer[_at++];
                if (++_headBytes > LongestHeadBytes + LongestAnswerBytes) throw TooLong();
                if (c == '\n') return line.ToString().TrimEnd('\r');
                if (line.Length > LongestHeadBytes) throw TooLong();
                line.Append(c);
            }
        }

        /// <returns>whether there is anything more</returns>
        private bool Fill()
        {
            if (_at < _end) return true;
            _at = 0;
            _end = _stream.Read(_buffer, 0, _buffer.Length);
            return _end > 0;
        }

        private static IOException TooLong()
        {
            return new IOException("the answer is longer than 1 MiB");
        }
    }
}
