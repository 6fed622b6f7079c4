package rhodes;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Writes a class for a callee: a record for each struct, a method for each function.
 *
 *  <pre>rhodes run app -- java -cp rhodes.jar rhodes.Generate textstat com.acme > Textstat.java</pre> */
public final class Generate {
    private static final Set<String> WORDS = Set.of("abstract", "assert", "boolean", "break", "byte",
            "case", "catch", "char", "class", "const", "continue", "default", "do", "double", "else",
            "enum", "extends", "final", "finally", "float", "for", "goto", "if", "implements",
            "import", "instanceof", "int", "interface", "long", "native", "new", "package",
            "private", "protected", "public", "return", "short", "static", "strictfp", "super",
            "switch", "synchronized", "this", "throw", "throws", "transient", "try", "void",
            "volatile", "while", "true", "false", "null", "hashCode", "toString", "getClass",
            "notify", "notifyAll", "wait", "clone", "finalize");

    private final Interface offer;
    private final String title;
    private final Map<String, String> records = new LinkedHashMap<>(); // name, its source
    private final StringBuilder methods = new StringBuilder();

    private Generate(Interface offer) {
        this.offer = offer;
        title = upper(offer.name.replaceFirst("^lib", ""));
    }

    public static void main(String[] words) {
        if (words.length < 1 || words.length > 2) {
            System.err.println("usage: java rhodes.Generate CALLEE [PACKAGE]");
            System.exit(2);
        }
        try {
            System.out.print(new Generate(Library.open(words[0]).offer)
                    .write(words.length > 1 ? words[1] : ""));
        } catch (RhodesError e) {
            System.err.println("rhodes.Generate: " + e.getMessage());
            System.exit(1);
        }
    }

    private String write(String where) {
        for (Interface.Function function : offer.functions)
            method(function);
        return "// Written by rhodes.Generate of " + offer.name + ".\n"
                + (where.isEmpty() ? "" : "package " + where + ";\n\n")
                + "import static java.lang.invoke.MethodType.methodType;\n\n"
                + "import java.lang.invoke.MethodHandle;\nimport rhodes.Handle;\n"
                + "import rhodes.Library;\n\n/** The functions of " + offer.name + ". */\n"
                + "public final class " + title + " {\n"
                + "    private static final Library LIB = Library.open(System.getProperty(\"rhodes."
                + offer.name + "\",\n            \"" + offer.name + "\"));\n\n    private " + title
                + "() {\n    }\n\n" + String.join("", records.values()) + methods + "}\n";
    }

    private static String upper(String name) {
        StringBuilder made = new StringBuilder();
        for (String part : name.split("[^A-Za-z0-9]+")) {
            if (!part.isEmpty())
                made.append(part.substring(0, 1).toUpperCase(Locale.ROOT)).append(part.substring(1));
        }
        return made.toString();
    }

    private static String lower(String name) {
        String made = upper(name);
        made = made.isEmpty() ? "value" : made.substring(0, 1).toLowerCase(Locale.ROOT)
                + made.substring(1);
        return WORDS.contains(made) ? made + "_" : made;
    }

    /** The function without the interface's name before it. */
    private String named(String function) {
        String own = offer.name.replaceFirst("^lib", "") + "_";
        return lower(function.startsWith(own) ? function.substring(own.length()) : function);
    }

    private String type(Interface.Param param, String called) {
        boolean mayBeNull = param.is(Interface.POINTER) && param.is(Interface.NULLABLE);
        if (param.kind() == Interface.Kind.STRUCT)
            return type(Value.shape(param), called);
        Class<?> natural = Value.natural(param);
        return mayBeNull ? java.lang.invoke.MethodType.methodType(natural).wrap().returnType()
                .getSimpleName() : natural.getSimpleName();
    }

    private String type(Shape shape, String called) {
        if (shape.kind == Shape.Kind.ARRAY && shape.element.isRecord()
                && shape.element.kind == Shape.Kind.STRUCT)
            return type(shape.element, called) + "[]";
        if (shape.kind != Shape.Kind.STRUCT)
            return Codec.natural(shape).getSimpleName();
        String name = shape.name.isEmpty() ? upper(called) : upper(shape.name);
        if (!records.containsKey(name)) {
            records.put(name, ""); // its place
            List<String> fields = new ArrayList<>();
            for (Shape.Field field : shape.fields)
                fields.add(type(field.shape(), name + "_" + field.name()) + " "
                        + lower(field.name()));
            records.put(name, record(name, fields));
        }
        return name;
    }

    private static String record(String name, List<String> fields) {
        return "    public record " + name + "(" + String.join(", ", fields) + ") { }\n\n";
    }

    private void method(Interface.Function function) {
        List<String> types = new ArrayList<>(), names = new ArrayList<>();
        List<String> results = new ArrayList<>();
        if (function.result().kind() != Interface.Kind.VOID)
            results.add(type(function.result(), function.name() + "_result") + " result");
        for (int i = 0; i < function.params().size(); i++) {
            Interface.Param param = function.params().get(i);
            String type = type(param, function.name() + "_" + param.name());
            if (Binder.isVisible(function, i, Binder.Way.RESULTS)) {
                types.add(type);
                names.add(lower(param.name()));
            }
            if (Binder.isResult(function, i))
                results.add(type + " " + lower(param.name()));
        }
        append(function, types, names, result(function, results));
    }

    private String result(Interface.Function function, List<String> results) {
        if (results.size() < 2)
            return results.isEmpty() ? "void" : results.get(0).replaceFirst(" .*", "");
        String name = upper(named(function.name())) + "Result";
        records.put(name, record(name, results));
        return name;
    }

    private void append(Interface.Function function, List<String> types, List<String> names,
                        String result) {
        List<String> both = new ArrayList<>();
        for (int i = 0; i < types.size(); i++)
            both.add(types.get(i) + " " + names.get(i));
        String handle = "F" + function.index();
        StringBuilder classes = new StringBuilder(result + ".class");
        types.forEach(type -> classes.append(", ").append(type).append(".class"));
        methods.append(String.format("""
                    /** %s */
                    public static %s %s(%s) {
                        try {
                            %s%s.invokeExact(%s);
                        } catch (RuntimeException | Error e) {
                            throw e;
                        } catch (Throwable e) {
                            throw new AssertionError(e);
                        }
                    }

                    private static final MethodHandle %s = LIB.function("%s",
                            methodType(%s));

                """, function.text(), result, named(function.name()), String.join(", ", both),
                result.equals("void") ? "" : "return (" + result + ") ", handle,
                String.join(", ", names), handle, function.name(), classes));
    }
}
