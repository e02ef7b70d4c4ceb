using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace LicenseSessions
{
    /// <summary>
    /// Answers that only the service can have given: HTTP Message Signatures (RFC 9421) over digests (RFC 9530),
    /// with Ed25519. The one form that the service writes is rebuilt and compared; nothing else is parsed.
    /// </summary>
    internal sealed class PinnedKeys
    {
        /// <summary>What a signature covers, which proves that the answer is unaltered, complete and to this request.</summary>
        private const string Covered = "(\"@status\" \"content-digest\" \"@method\";req \"@path\";req \"content-digest\";req)";

        private const string Expected = "\"ed25519:\" and 43 characters of base64url are expected of each.";

        private readonly Dictionary<string, byte[]> _keys = new Dictionary<string, byte[]>();

        /// <param name="texts"><c>ed25519:</c> and 32 bytes in base64url, each; two during a rotation</param>
        /// <exception cref="ArgumentException">A key is invalid, or there is none.</exception>
        internal PinnedKeys(IEnumerable<string> texts)
        {
            foreach (string text in texts)
            {
                byte[] key = KeyOf(text);
                _keys[IdOf(key)] = key;
            }
            if (_keys.Count == 0) throw new ArgumentException("PublicKeys is empty: leave it out to take answers unsigned.", "PublicKeys");
        }

        /// <summary>Whether a pinned key has signed this answer for this request.</summary>
        /// <param name="answer">the answer</param>
        /// <param name="asked">the request</param>
        /// <param name="created">when it was made, in seconds since 1970 by the service's clock, once that is proved</param>
        /// <returns><c>null</c> if the answer is the service's; else the first problem</returns>
        internal string Problem(Exchange answer, AskedRequest asked, out long? created)
        {
            created = null;
            string input, signatures, digest;
            if (!answer.Headers.TryGetValue("signature-input", out input) || !answer.Headers.TryGetValue("signature", out signatures)) return "answer_unsigned";
            string keyId = _keys.Keys.FirstOrDefault(id => input.Contains(";keyid=\"" + id + "\""));
            if (keyId == null) return "answer_of_another_key";
            string nonce = ";nonce=\"" + asked.Nonce.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"";
            if (!input.Contains(nonce)) return "answer_nonce_wrong";
            answer.Headers.TryGetValue("content-digest", out digest);
            if (digest != DigestOf(answer.Body)) return "answer_digest_wrong";
            string rest = ";keyid=\"" + keyId + "\"" + nonce + ";alg=\"ed25519\"";
            Match member = Member("(sig[0-9]+)=(" + Regex.Escape(Covered) + ";created=([0-9]{1,12})" + Regex.Escape(rest) + ")", input);
            Match signature = Member(member.Groups[1].Value + "=:([A-Za-z0-9+/]{86}==):", signatures);
            if (!member.Success || !signature.Success) return "answer_signature_unreadable";
            string signed = "\"@status\": " + answer.Status.ToString(CultureInfo.InvariantCulture)
                + "\n\"content-digest\": " + digest
                + "\n\"@method\";req: POST\n\"@path\";req: " + asked.Path
                + "\n\"content-digest\";req: " + DigestOf(asked.Body)
                + "\n\"@signature-params\": " + member.Groups[2].Value;
            if (!Ed25519.Verify(_keys[keyId], Encoding.UTF8.GetBytes(signed), Convert.FromBase64String(signature.Groups[1].Value))) return "answer_signature_wrong";
            created = long.Parse(member.Groups[3].Value, CultureInfo.InvariantCulture);
            return created >= asked.EarliestSeconds && created <= asked.LatestSeconds ? null : "answer_time_wrong";
        }

        /// <summary>The value of <c>content-digest</c>.</summary>
        internal static string DigestOf(byte[] body)
        {
            using (SHA256 sha = SHA256.Create()) return "sha-256=:" + Convert.ToBase64String(sha.ComputeHash(body)) + ":";
        }

        /// <summary>The thumbprint of a public key (RFC 7638, RFC 8037).</summary>
        internal static string IdOf(byte[] key)
        {
            string jwk = "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" + Base64Url(key) + "\"}";
            using (SHA256 sha = SHA256.Create()) return Base64Url(sha.ComputeHash(Encoding.ASCII.GetBytes(jwk)));
        }

        /// <summary>Does not quote the text, which may be a private key by mistake.</summary>
        internal static byte[] KeyOf(string text)
        {
            Match key = Regex.Match(text ?? "", @"^\s*ed25519:([A-Za-z0-9_-]{43})\s*\z");
            if (!key.Success) throw new ArgumentException("PublicKeys has an entry that is no public key: " + Expected, "PublicKeys");
            return Convert.FromBase64String(key.Groups[1].Value.Replace('-', '+').Replace('_', '/') + "=");
        }

        /// <summary>Finds a member of a list: proxies may have added their own, and joined the lines of a header.</summary>
        private static Match Member(string form, string list)
        {
            return Regex.Match(list, @"(?:^|,)[ \t]*" + form + @"[ \t]*(?=,[ \t]*[a-z*]|\z)");
        }

        private static string Base64Url(byte[] bytes)
        {
            return Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        }
    }

    /// <summary>The request that an answer must belong to, and when the answer can have been made.</summary>
    internal sealed class AskedRequest
    {
        internal string Path;
        internal byte[] Body;
        internal string Nonce;
        /// <summary>By the service's clock, in seconds since 1970; inclusive.</summary>
        internal double EarliestSeconds;
        internal double LatestSeconds;
    }
}
