package rhodes;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** An object of Java whose methods are the functions of a resource.
 *
 *  <pre>Server.serve(new Pricing(), 4);</pre>
 *
 *  A method serves the function of its name (nameLen: name_len), or of its @Serves.  It has a
 *  parameter for each of C that goes in, without lengths of bytes; it returns what comes out, as
 *  a record when that is more than one value, the function's own result first.  Objects of the
 *  callee are any objects.  What it throws reaches the caller with its stack.
 *
 *  An event is a method that returns an Iterator, an Iterable or a Stream.  It is called once, and
 *  what comes out of it sent, one after the other, when all who listen have the one before.
 *
 *  Threads: calls run on as many at once as serve is told. */
public final class Server implements Value.Ends {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
    private static final int EFUNC = 1006, ECANCELED = 125;
    private static final ThreadLocal<Frame> SEAT = new ThreadLocal<>();

    private final Interface offer;
    private final MethodHandle[] functions;   // (Frame)void, or null
    private final List<List<Shown>> shown = new ArrayList<>(); // by function
    private final Map<Long, Object> objects = new ConcurrentHashMap<>();
    private final Map<Object, Long> numbers = new IdentityHashMap<>();
    private final AtomicLong lastNumber = new AtomicLong();

    private Server(Interface offer) {
        this.offer = offer;
        functions = new MethodHandle[offer.functions.size()];
    }

    /** Serves the interface of the resource that this process runs as, until SIGTERM or stop().
     *  RhodesInterfaceError, which names all of them, when methods are missing or differ. */
    public static void serve(Object implementation, int threads) {
        String described = Native.describe(0);
        if (described == null)
            throw Frame.failure(Native.lastCode());
        Server server = new Server(new Interface(described));
        int[][] plans = server.bind(implementation);
        int code = Native.serve(server, plans, server.frameBytes(), threads);
        if (code < 0)
            throw Frame.failure(code);
    }

    /** Ends serve, from any thread. */
    public static void stop() {
        Native.stopServing();
    }

    private int frameBytes() {
        int most = 0;
        for (Interface.Function function : offer.functions)
            most = Math.max(most, new Layout(function).bytes);
        return most + 4096;
    }

    private int[][] bind(Object implementation) {
        int[][] plans = new int[functions.length][];
        List<String> wrong = new ArrayList<>();
        for (Interface.Function function : offer.functions) {
            Layout layout = new Layout(function);
            plans[function.index()] = plan(function, layout);
            shown.add(shown(function, layout));
            try {
                Method method = method(implementation.getClass(), function);
                functions[function.index()] = new ServerBinder(this, function, layout)
                        .bind(implementation, method);
            } catch (RhodesInterfaceError e) {
                wrong.add(e.getMessage());
            }
        }
        if (!wrong.isEmpty())
            throw RhodesError.mismatch("%s does not serve %s:\n%s",
                    implementation.getClass().getName(), offer.name, String.join("\n", wrong));
        return plans;
    }

    private Method method(Class<?> type, Interface.Function function) {
        for (Method method : type.getMethods()) {
            Serves serves = method.getAnnotation(Serves.class);
            if (serves != null && serves.value().equals(function.name()))
                return method;
        }
        for (Method method : type.getMethods()) {
            if (method.getDeclaringClass() != Object.class && !method.isBridge()
                    && method.getAnnotation(Serves.class) == null
                    && offer.find(method.getName()) == function)
                return method;
        }
        throw RhodesError.mismatch("missing: %s", function.text());
    }

    /** What native/serve.c copies: five numbers a parameter, two of the result. */
    private static int[] plan(Interface.Function function, Layout layout) {
        int count = function.params().size();
        int[] plan = new int[count * 5 + 2];
        for (int i = 0; i < count; i++) {
            Interface.Param param = function.params().get(i);
            boolean isPlaced = layout.storage[i] >= 0;
            plan[5 * i] = layout.cells[i];
            plan[5 * i + 1] = isPlaced ? 8 : size(param);
            plan[5 * i + 2] = layout.storage[i];
            plan[5 * i + 3] = isPlaced ? size(param) : 0;
            plan[5 * i + 4] = param.comesOut() ? 1 : 0;
        }
        plan[5 * count] = layout.result;
        plan[5 * count + 1] = size(function.result());
        return plan;
    }

    /** Bytes of the C object. */
    private static int size(Interface.Param param) {
        switch (param.kind()) {
        case VOID:
            return 0;
        case STRING: case PATH: case BYTES: case HANDLE:
            return 8;
        default:
            return param.size();
        }
    }

    /** In a served function: the caller finds that errno after the call. */
    public static void setErrno(int errno) {
        Frame frame = SEAT.get();
        if (frame == null)
            throw new IllegalStateException("only a served function has a caller");
        frame.memory.putInt(0, errno);
    }

    /** Called by C: what a thread of librhodes works with. */
    Frame seat(ByteBuffer memory) {
        Frame frame = new Frame(memory);
        SEAT.set(frame);
        return frame;
    }

    /** Called by C: runs the function on what stands in the frame. */
    int invoke(int function, Frame frame) {
        MethodHandle handle = functions[function];
        if (handle == null)
            return -EFUNC;
        frame.begin(frame.memory.capacity());
        try {
            handle.invokeExact(frame);
            for (Shown one : shown.get(function))
                show(frame, one);
            return 0;
        } catch (Events.Ended e) {
            return -ECANCELED;
        } catch (Throwable e) {
            return raise(e);
        } finally {
            frame.leave();
        }
    }

    private static int raise(Throwable e) {
        StringWriter stack = new StringWriter();
        e.printStackTrace(new PrintWriter(stack));
        String message = e.getMessage() == null ? "" : e.getMessage();
        return Native.raise(utf8(e.getClass().getName()), utf8(message), utf8(stack.toString()));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public boolean isServing() {
        return true;
    }

    @Override
    public Codec handle(Interface.Param param, Class<?> type) {
        if (type.isPrimitive())
            throw RhodesError.mismatch("%s cannot be an object of %s", type.getName(),
                    param.type());
        try {
            MethodHandle put = LOOKUP.findVirtual(Server.class, "putObject",
                    MethodType.methodType(void.class, Frame.class, int.class, Object.class));
            MethodHandle get = LOOKUP.findVirtual(Server.class, "getObject",
                    MethodType.methodType(Object.class, boolean.class, Frame.class, int.class));
            return new Codec(put.bindTo(this).asType(MethodType.methodType(void.class, Frame.class,
                            int.class, type)),
                    MethodHandles.insertArguments(get.bindTo(this), 0,
                            param.is(Interface.DESTROYS)).asType(MethodType.methodType(type,
                            Frame.class, int.class)));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** A handle of which callers see bytes: its parameter, -1 for the result, and where its number
     *  stands in the frame. */
    private record Shown(int parameter, int place, int bytes) { }

    private static List<Shown> shown(Interface.Function function, Layout layout) {
        List<Shown> all = new ArrayList<>();
        if (function.result().mirror() > 0)
            all.add(new Shown(-1, layout.result, function.result().mirror()));
        for (int i = 0; i < function.params().size(); i++) {
            Interface.Param param = function.params().get(i);
            if (param.mirror() > 0 && !param.is(Interface.DESTROYS))
                all.add(new Shown(i, Layout.isPlaced(param) ? layout.storage[i] : layout.cells[i],
                        param.mirror()));
        }
        return all;
    }

    private void show(Frame frame, Shown one) {
        Object object = objects.get(frame.memory.getLong(one.place()));
        if (object == null)
            return;
        if (!(object instanceof Mirrored mirrored))
            throw new IllegalStateException("callers look into a " + object.getClass().getName()
                    + ", which is no rhodes.Mirrored");
        byte[] bytes = new byte[one.bytes()];
        mirrored.mirror(ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()));
        Frame.checked(Native.mirror(one.parameter(), bytes));
    }

    /** To librhodes an object is a number, which is its pointer. */
    private void putObject(Frame frame, int at, Object object) {
        long number = 0;
        if (object != null) {
            synchronized (numbers) {
                number = numbers.computeIfAbsent(object, made -> lastNumber.incrementAndGet());
                objects.put(number, object);
            }
        }
        frame.memory.putLong(at, number);
    }

    private Object getObject(boolean isLast, Frame frame, int at) {
        long number = frame.memory.getLong(at);
        if (number == 0)
            return null;
        if (!isLast)
            return objects.get(number);
        synchronized (numbers) {
            Object object = objects.remove(number);
            if (object != null)
                numbers.remove(object);
            return object;
        }
    }
}
