using System;
using System.Runtime.CompilerServices;
using System.Threading;
using LicenseSessions;

/// <summary>Small bots for what only a process of its own can show.</summary>
internal static class Programs
{
    internal static int Run(string name, string url)
    {
        var bot = new SessionOptions { Url = url, LicenseKey = "KEY", DeviceFingerprint = "device" };
        switch (name)
        {
            case "ends":
                Session.Open(bot);
                return 3;
            case "ends without releasing":
                bot.ReleaseAtExit = false;
                Session.Open(bot);
                return 0;
            case "exits":
                Session.Open(bot);
                new Thread(() => Environment.Exit(4)).Start();
                Thread.Sleep(Timeout.Infinite);
                return 0;
            case "waits, with a logger that hangs":
                bot.Log = (level, text) => Thread.Sleep(Timeout.Infinite);
                goto case "waits";
            case "waits":
                using (Session session = Session.Open(bot))
                {
                    Console.WriteLine("open");
                    session.WaitLost(Timeout.InfiniteTimeSpan);
                    return 0;
                }
            case "cleans up":
                var asked = new ManualResetEvent(false);
                Console.CancelKeyPress += (sender, pressed) =>
                {
                    pressed.Cancel = true;
                    asked.Set();
                };
                using (Session session = Session.Open(bot))
                {
                    Console.WriteLine("open");
                    asked.WaitOne();
                    Console.WriteLine(session.Held ? "closing positions" : "without right");
                    return 0;
                }
            case "loses it":
                Lose(bot);
                while (true)
                {
                    GC.Collect();
                    Thread.Sleep(50);
                }
            case "opens":
                bot.OpenWithin = TimeSpan.FromSeconds(60);
                try
                {
                    Session.Open(bot).Release();
                    Console.WriteLine("opened");
                }
                catch (ServiceUnavailableException error)
                {
                    Console.WriteLine(error.Problem);
                }
                return 0;
            default:
                return 1;
        }
    }

    /// <summary>A method of its own, because a reference may stay on the stack.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lose(SessionOptions bot)
    {
        var thread = new Thread(() => Session.Open(bot));
        thread.Start();
        thread.Join();
    }
}
