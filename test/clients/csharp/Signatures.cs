using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using LicenseSessions;

/// <summary>Only the service's own answers count: clients/vectors/signed-answers.json and those of the standards.</summary>
internal static class Signatures
{
    [Cases]
    internal static IEnumerable<Case> SignedAnswers()
    {
        object vectors = Program.ReadJson("clients/vectors/signed-answers.json");
        foreach (object vector in vectors.List("cases"))
        {
            yield return new Case(vector.Text("guarantee"), () => Check(vector));
        }
    }

    [Cases]
    internal static IEnumerable<Case> Standards()
    {
        object vectors = Program.ReadJson("clients/vectors/rfc.json");
        foreach (object vector in vectors.List("signatures"))
        {
            yield return new Case(vector.Text("source"), () => CheckSignature(
                PinnedKeys.KeyOf(vector.Text("public_key")),
                Encoding.UTF8.GetBytes(vector.Text("signature_base")),
                Convert.FromBase64String(vector.Text("signature"))));
        }
        foreach (object vector in vectors.List("key_ids"))
        {
            string id = PinnedKeys.IdOf(PinnedKeys.KeyOf(vector.Text("public_key")));
            yield return new Case(vector.Text("source") + ": the name of a key", () => Expect.Same(vector.Text("keyid"), id));
        }
        foreach (object vector in vectors.List("content_digests"))
        {
            string digest = PinnedKeys.DigestOf(Encoding.UTF8.GetBytes(vector.Text("body")));
            yield return new Case(vector.Text("source") + ": a digest", () => Expect.Same(vector.Text("content_digest"), digest));
        }
    }

    /// <summary>RFC 8032, 7.1: public key, message, signature.</summary>
    private static readonly string[][] Rfc8032 =
    {
        new[]
        {
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        },
        new[]
        {
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        },
        new[]
        {
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        },
        new[]
        {
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf2",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        },
    };

    [Cases]
    internal static IEnumerable<Case> Rfc8032Vectors()
    {
        foreach (string[] vector in Rfc8032)
        {
            yield return new Case("RFC 8032, 7.1: a message of " + vector[1].Length / 2 + " bytes", () => CheckSignature(Hex(vector[0]), Hex(vector[1]), Hex(vector[2])));
        }
    }

    [Test("a signature whose second half is not reduced is refused, so that each has one form")]
    internal static void Malleable()
    {
        // The second half plus the order of the group signs the same, if nobody looks.
        System.Numerics.BigInteger order = System.Numerics.BigInteger.Pow(2, 252) + System.Numerics.BigInteger.Parse("27742317777372353535851937790883648493");
        byte[] signature = Hex(Rfc8032[0][2]);
        byte[] s = (new System.Numerics.BigInteger(signature.Skip(32).Concat(new byte[] { 0 }).ToArray()) + order).ToByteArray();
        Array.Copy(s, 0, signature, 32, 32);
        Expect.True(!Ed25519.Verify(Hex(Rfc8032[0][0]), new byte[0], signature), "it was taken");
    }

    [Test("bytes that are no point, and keys and signatures of another length, are refused")]
    internal static void NoPoint()
    {
        byte[] signature = Hex(Rfc8032[0][2]);
        byte[] noPoint = new byte[32];
        noPoint[0] = 2;
        byte[] tooGreat = Enumerable.Repeat((byte)0xff, 32).ToArray();
        foreach (byte[] key in new[] { noPoint, tooGreat, new byte[31] }) Expect.True(!Ed25519.Verify(key, new byte[0], signature), "a key was taken");
        Expect.True(!Ed25519.Verify(Hex(Rfc8032[0][0]), new byte[0], signature.Take(63).ToArray()), "a short signature was taken");
    }

    [Test("keys that are none are named without being quoted")]
    internal static void WrongKeys()
    {
        string secret = "ed25519-private:nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        foreach (string[] keys in new[] { new[] { secret }, new[] { "" }, new string[] { null }, new string[0] })
        {
            var error = Expect.Throws<ArgumentException>(() => new PinnedKeys(keys));
            Expect.True(error.Message.Contains("PublicKeys") && !error.Message.Contains("nWGxne"), error.Message);
        }
    }

    private static void Check(object vector)
    {
        object request = vector.Get("request"), answer = vector.Get("answer");
        double[] between = vector.Has("created_between") ? vector.Get("created_between").Numbers() : new[] { double.NegativeInfinity, double.PositiveInfinity };
        var asked = new AskedRequest
        {
            Path = request.Text("path"), Body = Encoding.UTF8.GetBytes(request.Text("body")), Nonce = request.Text("nonce"), EarliestSeconds = between[0], LatestSeconds = between[1],
        };
        long? created;
        string problem = new PinnedKeys(vector.List("public_keys").Cast<string>()).Problem(
            new Exchange((int)answer.Number("status"), Encoding.UTF8.GetBytes(answer.Text("body")), answer.Texts("headers")), asked, out created);
        Expect.Same(vector.Get("problem"), problem);
        Expect.Same(problem == null || problem == "answer_time_wrong", created.HasValue, "the time counts once the signature is verified");
    }

    /// <summary>It signs this message, and no other with one bit changed in any of the three.</summary>
    private static void CheckSignature(byte[] key, byte[] message, byte[] signature)
    {
        Expect.True(Ed25519.Verify(key, message, signature), "it was refused");
        Expect.True(!Ed25519.Verify(key, message.Concat(new byte[] { 0 }).ToArray(), signature), "it signs a longer message");
        foreach (int at in new[] { 0, 31, 32, 63 })
        {
            byte[] changed = (byte[])signature.Clone();
            changed[at] ^= 1;
            Expect.True(!Ed25519.Verify(key, message, changed), "byte " + at + " does not count");
        }
    }

    private static byte[] Hex(string text)
    {
        return Enumerable.Range(0, text.Length / 2).Select(i => Convert.ToByte(text.Substring(2 * i, 2), 16)).ToArray();
    }
}
