using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace LicenseSessions
{
    /// <summary>
    /// Reads and writes JSON. The framework's own readers either need an assembly that .NET no longer
    /// has (JavaScriptSerializer) or a declared type for each answer (DataContractJsonSerializer).
    /// </summary>
    internal static class Json
    {
        /// <summary>
        /// An object becomes a <c>Dictionary&lt;string, object&gt;</c>, an array a
        /// <c>List&lt;object&gt;</c>, a number a <c>double</c>.
        /// </summary>
        /// <exception cref="FormatException">The text is not JSON, or nested too deeply.</exception>
        internal static object Parse(string text)
        {
            var reader = new Reader(text);
            object value = reader.Value(0);
            reader.End();
            return value;
        }

        /// <exception cref="ArgumentException">A value has no form in JSON.</exception>
        internal static string Write(object value)
        {
            var text = new StringBuilder();
            Write(text, value, 0);
            return text.ToString();
        }

        private const int DeepestNesting = 64;

        private static void Write(StringBuilder text, object value, int depth)
        {
            if (depth > DeepestNesting) throw new ArgumentException("nested too deeply for JSON");
            if (value == null) text.Append("null");
            else if (value is RawJson) text.Append(((RawJson)value).Text);
            else if (value is bool) text.Append((bool)value ? "true" : "false");
            else if (value is string) WriteString(text, (string)value);
            else if (value is Enum) WriteString(text, value.ToString());
            else if (value is double || value is float) WriteDouble(text, Convert.ToDouble(value, CultureInfo.InvariantCulture));
            else if (IsWholeOrDecimal(value)) text.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
            else if (value is IDictionary) WriteObject(text, (IDictionary)value, depth);
            else if (value is IEnumerable<KeyValuePair<string, object>>) WriteObject(text, (IEnumerable<KeyValuePair<string, object>>)value, depth);
            else if (value is IEnumerable) WriteArray(text, (IEnumerable)value, depth);
            else throw new ArgumentException("a value of type " + value.GetType().Name + " has no form in JSON");
        }

        private static bool IsWholeOrDecimal(object value)
        {
            return value is int || value is long || value is short || value is byte || value is sbyte
                || value is ushort || value is uint || value is ulong || value is decimal;
        }

        private static void WriteDouble(StringBuilder text, double value)
        {
            if (double.IsNaN(value) || double.IsInfinity(value)) throw new ArgumentException("NaN and Infinity have no form in JSON");
            text.Append(value.ToString("R", CultureInfo.InvariantCulture));
        }

        private static void WriteObject(StringBuilder text, IDictionary members, int depth)
        {
            string separator = "{";
            foreach (DictionaryEntry member in members)
            {
                separator = WriteMember(text, separator, member.Key as string, member.Value, depth);
            }
            text.Append(separator == "{" ? "{}" : "}");
        }

        private static void WriteObject(StringBuilder text, IEnumerable<KeyValuePair<string, object>> members, int depth)
        {
            string separator = "{";
            foreach (KeyValuePair<string, object> member in members)
            {
                separator = WriteMember(text, separator, member.Key, member.Value, depth);
            }
            text.Append(separator == "{" ? "{}" : "}");
        }

        private static string WriteMember(StringBuilder text, string separator, string name, object value, int depth)
        {
            if (name == null) throw new ArgumentException("the names of an object are strings in JSON");
            text.Append(separator);
            WriteString(text, name);
            text.Append(':');
            Write(text, value, depth + 1);
            return ",";
        }

        private static void WriteArray(StringBuilder text, IEnumerable values, int depth)
        {
            string separator = "";
            text.Append('[');
            foreach (object value in values)
            {
                text.Append(separator);
                Write(text, value, depth + 1);
                separator = ",";
            }
            text.Append(']');
        }

        private static void WriteString(StringBuilder text, string value)
        {
            text.Append('"');
            foreach (char c in value)
            {
                if (c == '"' || c == '\\') text.Append('\\').Append(c);
                // A lone half of a pair has no form in UTF-8, so both halves are escaped.
                else if (c < ' ' || char.IsSurrogate(c)) text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                else text.Append(c);
            }
            text.Append('"');
        }

        private sealed class Reader
        {
            private readonly string _text;
            private int _at;

            internal Reader(string text)
            {
                _text = text;
            }

            internal object Value(int depth)
            {
                if (depth > DeepestNesting) throw new FormatException("nested too deeply");
                SkipSpace();
                char c = Peek();
                if (c == '{') return Object(depth);
                if (c == '[') return Array(depth);
                if (c == '"') return String();
                if (c == 't') return Word("true", true);
                if (c == 'f') return Word("false", false);
                if (c == 'n') return Word("null", null);
                return Number();
            }

            internal void End()
            {
                SkipSpace();
                if (_at < _text.Length) throw new FormatException("text after the value");
            }

            private object Object(int depth)
            {
                var members = new Dictionary<string, object>();
                _at++;
                SkipSpace();
                if (Peek() == '}') { _at++; return members; }
                while (true)
                {
                    SkipSpace();
                    if (Peek() != '"') throw new FormatException("a name is expected");
                    string name = String();
                    SkipSpace();
                    Take(':');
                    members[name] = Value(depth + 1);
                    SkipSpace();
                    if (Peek() == '}') { _at++; return members; }
                    Take(',');
                }
            }

            private object Array(int depth)
            {
                var values = new List<object>();
                _at++;
                SkipSpace();
                if (Peek() == ']') { _at++; return values; }
                while (true)
                {
                    values.Add(Value(depth + 1));
                    SkipSpace();
                    if (Peek() == ']') { _at++; return values; }
                    Take(',');
                }
            }

            private string String()
            {
                var value = new StringBuilder();
                _at++;
                while (true)
                {
                    char c = Next();
                    if (c == '"') return value.ToString();
                    if (c < ' ') throw new FormatException("a control character in a string");
                    value.Append(c == '\\' ? Escaped() : c);
                }
            }

            private char Escaped()
            {
                char c = Next();
                switch (c)
                {
                    case '"': case '\\': case '/': return c;
                    case 'b': return '\b';
                    case 'f': return '\f';
                    case 'n': return '\n';
                    case 'r': return '\r';
                    case 't': return '\t';
                    case 'u': return HexEscaped();
                    default: throw new FormatException("an unknown escape");
                }
            }

            private char HexEscaped()
            {
                int code = 0;
                for (int i = 0; i < 4; i++)
                {
                    int digit = "0123456789abcdef".IndexOf(char.ToLowerInvariant(Next()));
                    if (digit < 0) throw new FormatException("an unknown escape");
                    code = code * 16 + digit;
                }
                return (char)code;
            }

            private object Number()
            {
                int start = _at;
                if (Peek() == '-') _at++;
                if (Peek() == '0') _at++;
                else Digits();
                if (Peek() == '.') { _at++; Digits(); }
                if (Peek() == 'e' || Peek() == 'E')
                {
                    _at++;
                    if (Peek() == '+' || Peek() == '-') _at++;
                    Digits();
                }
                string text = _text.Substring(start, _at - start);
                double value;
                // The .NET Framework fails on 1e999, where others give infinity.
                return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
                    ? value
                    : double.PositiveInfinity;
            }

            private void Digits()
            {
                int start = _at;
                while (Peek() >= '0' && Peek() <= '9') _at++;
                if (_at == start) throw new FormatException("a digit is expected");
            }

            private object Word(string word, object value)
            {
                if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0) throw new FormatException("an unknown word");
                _at += word.Length;
                return value;
            }

            private void Take(char expected)
            {
                if (Next() != expected) throw new FormatException(expected + " is expected");
            }

            private char Peek()
            {
                return _at < _text.Length ? _text[_at] : '\0';
            }

            private char Next()
            {
                if (_at >= _text.Length) throw new FormatException("the text ends early");
                return _text[_at++];
            }

            private void SkipSpace()
            {
                while (_at < _text.Length && (_text[_at] == ' ' || _text[_at] == '\t' || _text[_at] == '\n' || _text[_at] == '\r')) _at++;
            }
        }
    }

    /// <summary>A text that is JSON already.</summary>
    internal sealed class RawJson
    {
        internal readonly string Text;

        internal RawJson(string text)
        {
            Text = text;
        }
    }
}
