// An add-on in NinjaTrader's style, as written from a page in an afternoon: HttpWebRequest, text search, a timer.
// It keeps its session in the ordinary life. It must fail: Stopwatch stops while the machine is suspended, and
// it releases without session_id.
using System;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

public static class NinjaStyle
{
    static readonly Stopwatch Clock = Stopwatch.StartNew();
    static string answer = "";

    static string Setting(string name) { return Environment.GetEnvironmentVariable(name); }

    static int Post(string path, string more)
    {
        string body = "{\"license_key\":\"" + Setting("LICENSE_KEY") + "\",\"device_fingerprint\":\"" +
            Setting("DEVICE_FINGERPRINT") + "\",\"symbol\":\"" + Setting("SYMBOL") + "\"" + more + "}";
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        answer = "";
        try
        {
            HttpWebRequest request = (HttpWebRequest)WebRequest.Create(Setting("LICENSE_URL") + path);
            request.Method = "POST";
            request.ContentType = "application/json";
            request.Timeout = 5000;
            using (Stream stream = request.GetRequestStream()) stream.Write(bytes, 0, bytes.Length);
            using (WebResponse response = request.GetResponse()) return Read(response);
        }
        catch (WebException error)
        {
            return error.Response == null ? 0 : Read(error.Response);
        }
    }

    static int Read(WebResponse response)
    {
        using (StreamReader reader = new StreamReader(response.GetResponseStream())) answer = reader.ReadToEnd();
        return (int)((HttpWebResponse)response).StatusCode;
    }

    static string Field(string name)
    {
        return Regex.Match(answer, "\"" + name + "\":\"?([^\",}]*)").Groups[1].Value;
    }

    public static int Main()
    {
        string run = Guid.NewGuid().ToString("N");
        double sent = Clock.Elapsed.TotalSeconds;
        while (Post("/api/validate-license", ",\"run_id\":\"" + run + "\",\"claim_number\":1") != 200)
        {
            if (Field("license_valid") != "") { Console.WriteLine("not allowed to trade"); return 1; }
            Thread.Sleep(1000);
            sent = Clock.Elapsed.TotalSeconds;
        }
        string session = Field("session_id");
        double interval = double.Parse(Field("heartbeat_interval_seconds"));
        double until = sent + double.Parse(Field("held_for_seconds"));
        double next = sent + interval;
        while (true)
        {
            double now = Clock.Elapsed.TotalSeconds;
            if (now >= next)
            {
                int status = Post("/api/heartbeat", ",\"session_id\":\"" + session + "\"");
                string code = Field("code");
                next = now + (status == 200 ? interval : 1);
                if (status == 200 && code == "recorded") until = now + double.Parse(Field("held_for_seconds"));
                if (Regex.IsMatch(code, "^(session_(taken|replaced|ended)|license_.*)$")) break;
            }
            if (Clock.Elapsed.TotalSeconds < until) Console.WriteLine("TRADE");
            Thread.Sleep(100);
        }
        Post("/api/session/release", "");
        Console.WriteLine("the session is over");
        return 1;
    }
}
