package rhodes;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

/** A callee: a resource that this program's resource references.
 *
 *  <pre>
 *  private static final Library LIB = Library.open("text_c");
 *  private static final MethodHandle ADD = LIB.function("add", methodType(int.class, int.class,
 *          int.class));
 *  int sum = (int) ADD.invokeExact(2, 3);
 *  </pre>
 *
 *  Threads: any.  Libraries live as long as the process. */
public final class Library implements Value.Ends {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
    private static final Map<Long, Library> OPEN = new ConcurrentHashMap<>();

    final Interface offer;
    private final long address;
    private final Map<Integer, Long> plans = new ConcurrentHashMap<>();
    private final Map<Integer, MethodHandle> destructors = new ConcurrentHashMap<>();
    private final Map<Long, WeakReference<Handle>> handles = new ConcurrentHashMap<>();

    private Library(long address) {
        this.address = address;
        offer = new Interface(Native.describe(address));
    }

    /** The callee of that name: a resource's, or an interface's with or without its "lib". */
    public static Library open(String name) {
        return OPEN.computeIfAbsent(Frame.checked(Native.open(Objects.requireNonNull(name))),
                Library::new);
    }

    /** The name of the interface: "libtextstat". */
    public String name() {
        return offer.name;
    }

    /** Whether there is a function of that name. */
    public boolean has(String function) {
        return offer.find(function) != null;
    }

    /** The function as Java would have it: what comes out is returned, lengths of arrays are no
     *  parameters.  Several results are an Object[]. */
    public MethodHandle function(String name) {
        Interface.Function function = find(name);
        return new Binder(this, function).bind(Binder.natural(function));
    }

    /** The function with those Java types.  They may be those of function(String), or have an
     *  array of one or an object for each parameter that comes out, or be as C has them. */
    public MethodHandle function(String name, MethodType type) {
        return new Binder(this, find(name)).bind(type);
    }

    /** An object of that interface whose methods are the functions of their names.  For calls that
     *  must be as quick as can be handles are better: this one boxes values. */
    public <T> T as(Class<T> type) {
        Map<Method, MethodHandle> handles = new HashMap<>();
        for (Method method : type.getMethods()) {
            if (Modifier.isAbstract(method.getModifiers()))
                handles.put(method, function(method.getName(), MethodType.methodType(
                        method.getReturnType(), method.getParameterTypes()))
                        .asSpreader(Object[].class, method.getParameterCount())
                        .asType(MethodType.methodType(Object.class, Object[].class)));
        }
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type},
                (object, method, values) -> {
                    MethodHandle handle = handles.get(method);
                    Object[] all = values == null ? new Object[0] : values;
                    return handle != null ? (Object) handle.invokeExact(all)
                            : other(type, object, method, values);
                }));
    }

    /** A default method, or one that every object has. */
    private Object other(Class<?> type, Object object, Method method, Object[] values)
            throws Throwable {
        if (method.isDefault())
            return MethodHandles.privateLookupIn(type, LOOKUP).unreflectSpecial(method, type)
                    .bindTo(object).invokeWithArguments(values == null ? new Object[0] : values);
        return switch (method.getName()) {
        case "equals" -> object == values[0];
        case "hashCode" -> System.identityHashCode(object);
        default -> type.getName() + " of " + offer.name;
        };
    }

    private Interface.Function find(String name) {
        Interface.Function function = offer.find(name);
        if (function == null)
            throw RhodesError.of(1006, false, offer.name + " has no function " + name, null);
        return function;
    }

    /** errno as the thread's last call left it; 0: its function did not set it. */
    public static int errno() {
        return Native.lastErrno();
    }

    long plan(Interface.Function function, Layout layout) {
        return plans.computeIfAbsent(function.index(), index -> Frame.checked(
                Native.plan(address, index, layout.cells, layout.result)));
    }

    void destroy(int function, long pointer) {
        try {
            destructors.computeIfAbsent(function, index -> {
                Interface.Function found = offer.functions.get(index);
                return new Binder(this, found).bind(Binder.natural(found)
                        .changeParameterType(0, long.class).changeReturnType(void.class));
            }).invokeExact(pointer);
        } catch (RuntimeException | java.lang.Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public boolean isServing() {
        return false;
    }

    @Override
    public Codec handle(Interface.Param param, Class<?> type) {
        if (type == long.class)
            return Codec.of(Shape.number(Shape.Kind.INT, 8), long.class);
        if (type != Handle.class)
            throw RhodesError.mismatch("%s cannot be a handle", type.getName());
        return new Codec(
                MethodHandles.insertArguments(own("put", void.class, Library.class,
                        Interface.Param.class, Frame.class, int.class, Handle.class), 0, this,
                        param),
                MethodHandles.insertArguments(own("get", Handle.class, Library.class,
                        Interface.Param.class, Frame.class, int.class), 0, this, param));
    }

    /** (Handle)void: after a call that destroys. */
    static MethodHandle gone() {
        return own("gone", void.class, Handle.class);
    }

    private static MethodHandle own(String name, Class<?> result, Class<?>... parameters) {
        try {
            return LOOKUP.findStatic(Library.class, name,
                    MethodType.methodType(result, parameters));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    static void put(Library library, Interface.Param param, Frame frame, int at, Handle handle) {
        if (handle != null)
            frame.keep(handle);
        else if (!param.is(Interface.NULLABLE) && !param.comesOut())
            throw new NullPointerException(param.label() + " must not be null");
        frame.memory.putLong(at, handle == null ? 0 : handle.use(library, param.handle()));
    }

    static Handle get(Library library, Interface.Param param, Frame frame, int at) {
        long pointer = frame.memory.getLong(at);
        if (pointer == 0)
            return null;
        if (param.is(Interface.CREATES)) {
            Handle made = new Handle(library, param.handle(), pointer, true);
            library.handles.put(pointer, new WeakReference<>(made));
            return made;
        }
        WeakReference<Handle> known = library.handles.get(pointer);
        Handle handle = known == null ? null : known.get();
        return handle != null && !handle.isClosed() ? handle
                : new Handle(library, param.handle(), pointer, false);
    }

    static void gone(Handle handle) {
        if (handle != null)
            handle.gone();
    }

    /** The callee may give that pointer to the next object, and may have. */
    void forget(long pointer) {
        handles.computeIfPresent(pointer, (key, known) -> {
            Handle handle = known.get();
            return handle == null || handle.isClosed() ? null : known;
        });
    }
}
