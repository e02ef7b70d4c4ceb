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

    internal static Dictionary<string, object> With(this Dictionary<string, object> members, string name, object value)
    {
        return new Dictionary<string, object>(members) { { name, value } };
    }

    internal static Dictionary<string, object> Less(this Dictionary<string, object> members, string name)
    {
        var rest = new Dictionary<string, object>(members);
        rest.Remove(name);
        return rest;
    }
}
