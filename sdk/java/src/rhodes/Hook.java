package rhodes;

import java.lang.invoke.CallSite;
import java.lang.invoke.ConstantCallSite;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;

/** What the code that the agent writes into unmodified programs links with (interceptors/java).
 *  A class is linked with its first call, when it has loaded its libraries. */
public final class Hook {
    /** Before the name of the native method that was there. */
    public static final String REAL = "rhodes$real$";

    /** The names that classes of a loader gave to loadLibrary and that are governed. */
    private static final Map<ClassLoader, Set<String>> LOADED =
            Collections.synchronizedMap(new WeakHashMap<>());

    private Hook() {
    }

    /** Whether a reference is called that. */
    public static boolean governs(String library) {
        try {
            Library.open(library);
            return true;
        } catch (RhodesError e) {
            return false;
        }
    }

    /** Whether the callee of that name has a function for the method. */
    public static boolean has(String library, String method) {
        return governs(library) && Library.open(library).has(method);
    }

    /** In the place of System.loadLibrary and Runtime.loadLibrary: those that are governed are
     *  there already. */
    public static CallSite loadLibrary(MethodHandles.Lookup caller, String name, MethodType type)
            throws ReflectiveOperationException {
        MethodHandle real = type.parameterCount() == 1
                ? caller.findStatic(System.class, name, type)
                : caller.findVirtual(Runtime.class, name, type.dropParameterTypes(0, 1));
        MethodHandle test = MethodHandles.insertArguments(own("loads", boolean.class,
                ClassLoader.class, String.class), 0, caller.lookupClass().getClassLoader());
        MethodHandle nothing = MethodHandles.empty(type);
        if (type.parameterCount() == 2)
            test = MethodHandles.dropArguments(test, 0, Runtime.class);
        return new ConstantCallSite(MethodHandles.guardWithTest(test, nothing, real));
    }

    static boolean loads(ClassLoader loader, String library) {
        if (!governs(library))
            return false;
        LOADED.computeIfAbsent(loader, made -> ConcurrentHashMap.newKeySet()).add(library);
        return true;
    }

    /** The body of a native method: a governed call, or the method that was there.  isVirtual: its
     *  object comes first. */
    public static CallSite call(MethodHandles.Lookup caller, String name, MethodType type,
                                int isVirtual) throws ReflectiveOperationException {
        ClassLoader loader = caller.lookupClass().getClassLoader();
        MethodType values = isVirtual != 0 ? type.dropParameterTypes(0, 1) : type;
        for (String library : LOADED.getOrDefault(loader, Set.of())) {
            if (Library.open(library).has(name))
                return site(library, name, type, values);
        }
        MethodHandle real = isVirtual != 0
                ? caller.findSpecial(caller.lookupClass(), REAL + name, values,
                        caller.lookupClass())
                : caller.findStatic(caller.lookupClass(), REAL + name, values);
        return new ConstantCallSite(real.asType(type));
    }

    /** The body of a method, or the call of an interface's, that the configuration names. */
    public static CallSite configured(MethodHandles.Lookup caller, String name, MethodType type,
                                      String library, int isVirtual) {
        return site(library, name, type, isVirtual != 0 ? type.dropParameterTypes(0, 1) : type);
    }

    private static CallSite site(String library, String name, MethodType type, MethodType values) {
        MethodHandle handle = Library.open(library).function(name, values);
        if (values.parameterCount() < type.parameterCount())
            handle = MethodHandles.dropArguments(handle, 0, type.parameterType(0));
        return new ConstantCallSite(handle);
    }

    private static MethodHandle own(String name, Class<?> result, Class<?>... parameters)
            throws ReflectiveOperationException {
        return MethodHandles.lookup().findStatic(Hook.class, name,
                MethodType.methodType(result, parameters));
    }
}
