// A bot with the C# client, for check-bot. A session that is lost, and taken by nobody, is opened anew.
using System;
using LicenseSessions;

public static class WithCSharpClient
{
    public static int Main()
    {
        EndReason reason;
        do
        {
            SessionEnd end = null;
            using (Session session = Session.Open(new SessionOptions
            {
                Url = Environment.GetEnvironmentVariable("LICENSE_URL"),
                LicenseKey = Environment.GetEnvironmentVariable("LICENSE_KEY"),
                DeviceFingerprint = Environment.GetEnvironmentVariable("DEVICE_FINGERPRINT"),
                Symbol = Environment.GetEnvironmentVariable("SYMBOL"),
                WaitWithin = TimeSpan.FromSeconds(20),
            }))
            {
                while (!session.WaitLost(TimeSpan.FromMilliseconds(100)))
                {
                    if (session.Held) Console.WriteLine("TRADE");
                }
                end = session.Completion.Result;
            }
            reason = end.Reason;
            Console.WriteLine(end.Code);
        }
        while (reason == EndReason.Lost);
        return 1;
    }
}
