using System.Collections.Generic;
using System.Linq;

/// <summary>Reads the members of an object of JSON.</summary>
internal static class Fields
{
    internal static Dictionary<string, object> Object(this object value)
    {
        return (Dictionary<string, object>)value;
    }

    internal static object Get(this object value, string name)
    {
        object member;
        value.Object().TryGetValue(name, out member);
        return member;
    }

    internal static bool Has(this object value, string name)
    {
        return value.Object().ContainsKey(name);
    }

    internal static List<object> List(this object value, string name)
    {
        return (List<object>)value.Get(name) ?? new List<object>();
    }

    internal static double Number(this object value, string name, double otherwise = 0)
    {
        object member = value.Get(name);
        return member is double ? (double)member : member as string == "for ever" ? 1e12 : otherwise;
    }

    internal static string Text(this object value, string name)
    {
        return (string)value.Get(name);
    }

    internal static double[] Numbers(this object list)
    {
        return ((List<object>)list).Cast<double>().ToArray();
    }

    /// <summary>An object of texts, such as headers; empty where there is none.</summary>
    internal static Dictionary<string, string> Texts(this object value, string name)
    {
        object members = value.Get(name) ?? new Dictionary<string, object>();
        return members.Object().ToDictionary(member => member.Key, member => (string)member.Value);
    }

    internal static Dictionary<string, object> With(this Dictionary<string, object> members, string name, object value)
    {
        return members.And(new Dictionary<string, object> { { name, value } });
    }

    /// <summary>Both, of which the second counts; it may be null.</summary>
    internal static Dictionary<string, object> And(this object members, object others)
    {
        var all = new Dictionary<string, object>(members.Object());
        if (others != null) foreach (KeyValuePair<string, object> member in others.Object()) all[member.Key] = member.Value;
        return all;
    }

    internal static Dictionary<string, object> Less(this Dictionary<string, object> members, string name)
    {
        var rest = new Dictionary<string, object>(members);
        rest.Remove(name);
        return rest;
    }
}
