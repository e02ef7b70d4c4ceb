using System;
using System.Numerics;
using System.Security.Cryptography;

namespace LicenseSessions
{
    /// <summary>
    /// Verifies signatures of Ed25519 (RFC 8032), which the framework lacks. Nothing here is secret, so nothing
    /// has to take the same time whatever the values.
    /// </summary>
    internal static class Ed25519
    {
        private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
        private static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493");
        private static readonly BigInteger D = Mod(-121665 * Inverse(121666));
        private static readonly BigInteger RootOfMinusOne = BigInteger.ModPow(2, (P - 1) / 4, P);
        private static readonly Point Base = Decode(Bytes(Mod(4 * Inverse(5))));

        /// <summary>A point as X/Z, Y/Z, with T = XY/Z (RFC 8032, 5.1.4).</summary>
        private sealed class Point
        {
            internal BigInteger X, Y, Z, T;
        }

        /// <param name="publicKey">32 bytes</param>
        /// <param name="message">what was signed</param>
        /// <param name="signature">64 bytes</param>
        internal static bool Verify(byte[] publicKey, byte[] message, byte[] signature)
        {
            if (publicKey.Length != 32 || signature.Length != 64) return false;
            BigInteger s = Number(Part(signature, 32));
            Point key = Decode(publicKey);
            if (key == null || s >= L) return false;
            byte[] r = new byte[32];
            Array.Copy(signature, r, 32);
            byte[] hashed = new byte[64 + message.Length];
            r.CopyTo(hashed, 0);
            publicKey.CopyTo(hashed, 32);
            message.CopyTo(hashed, 64);
            BigInteger h;
            using (SHA512 sha = SHA512.Create()) h = Number(sha.ComputeHash(hashed)) % L;
            Point expected = Add(Times(s, Base), Times(h, new Point { X = Mod(-key.X), Y = key.Y, Z = key.Z, T = Mod(-key.T) }));
            return Same(Encode(expected), r);
        }

        private static Point Add(Point a, Point b)
        {
            BigInteger e = (a.Y - a.X) * (b.Y - b.X) % P;
            BigInteger f = (a.Y + a.X) * (b.Y + b.X) % P;
            BigInteger g = 2 * a.T * b.T % P * D % P;
            BigInteger h = 2 * a.Z * b.Z % P;
            BigInteger x = f - e, y = f + e, z = h - g, t = h + g;
            return new Point { X = x * z % P, Y = t * y % P, Z = z * t % P, T = x * y % P };
        }

        private static Point Times(BigInteger factor, Point point)
        {
            var sum = new Point { X = 0, Y = 1, Z = 1, T = 0 };
            for (; factor > 0; factor >>= 1)
            {
                if (!factor.IsEven) sum = Add(sum, point);
                point = Add(point, point);
            }
            return sum;
        }

        /// <summary><c>null</c> if the bytes are no point.</summary>
        private static Point Decode(byte[] bytes)
        {
            byte[] withoutSign = (byte[])bytes.Clone();
            withoutSign[31] &= 0x7f;
            bool isOdd = (bytes[31] & 0x80) != 0;
            BigInteger y = Number(withoutSign);
            if (y >= P) return null;
            BigInteger squared = Mod((y * y - 1) * Inverse(D * y * y + 1));
            BigInteger x = BigInteger.ModPow(squared, (P + 3) / 8, P);
            if (Mod(x * x - squared) != 0) x = Mod(x * RootOfMinusOne);
            if (Mod(x * x - squared) != 0 || (x.IsZero && isOdd)) return null;
            if (x.IsEven == isOdd) x = P - x;
            return new Point { X = x, Y = y, Z = 1, T = Mod(x * y) };
        }

        private static byte[] Encode(Point point)
        {
            BigInteger z = Inverse(point.Z);
            byte[] bytes = Bytes(Mod(point.Y * z));
            if (!Mod(point.X * z).IsEven) bytes[31] |= 0x80;
            return bytes;
        }

        private static BigInteger Mod(BigInteger value)
        {
            BigInteger rest = value % P;
            return rest.Sign < 0 ? rest + P : rest;
        }

        private static BigInteger Inverse(BigInteger value)
        {
            return BigInteger.ModPow(Mod(value), P - 2, P);
        }

        /// <summary>Little-endian; the zero in front keeps it positive.</summary>
        private static BigInteger Number(byte[] bytes)
        {
            var positive = new byte[bytes.Length + 1];
            bytes.CopyTo(positive, 0);
            return new BigInteger(positive);
        }

        private static byte[] Bytes(BigInteger value)
        {
            var bytes = new byte[32];
            byte[] known = value.ToByteArray();
            Array.Copy(known, bytes, Math.Min(known.Length, 32));
            return bytes;
        }

        private static byte[] Part(byte[] bytes, int from)
        {
            var part = new byte[bytes.Length - from];
            Array.Copy(bytes, from, part, 0, part.Length);
            return part;
        }

        private static bool Same(byte[] a, byte[] b)
        {
            for (int i = 0; i < a.Length; i++)
            {
                if (a[i] != b[i]) return false;
            }
            return true;
        }
    }
}
