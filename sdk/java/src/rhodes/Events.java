package rhodes;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Iterator;
import java.util.stream.BaseStream;

/** The events of a served method, which returns an Iterator, an Iterable or a Stream of them: each
 *  call is for the next.  A thread of its own calls, and waits there. */
final class Events {
    /** There are no more. */
    static final class Ended extends RuntimeException {
        private static final long serialVersionUID = 1;

        Ended() {
            super(null, null, false, false);
        }
    }

    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

    private final MethodHandle method; // ()Object
    private final MethodHandle puts;   // (Object, Frame)void
    private Iterator<?> events;        // made with the first call

    private Events(MethodHandle method, MethodHandle puts) {
        this.method = method.asType(MethodType.methodType(Object.class));
        this.puts = puts.asType(MethodType.methodType(void.class, Object.class, Frame.class));
    }

    /** (Frame)void: the next event of what the method returns. */
    static MethodHandle next(MethodHandle method, MethodHandle puts) {
        try {
            return LOOKUP.findVirtual(Events.class, "next",
                    MethodType.methodType(void.class, Frame.class)).bindTo(new Events(method, puts));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** The class of one event: T of Iterator<T> and its like. */
    static Class<?> one(Method method) {
        Class<?> many = method.getReturnType();
        Type type = method.getGenericReturnType();
        if (method.getParameterCount() > 0 || !Iterator.class.isAssignableFrom(many)
                && !Iterable.class.isAssignableFrom(many)
                && !BaseStream.class.isAssignableFrom(many))
            throw RhodesError.mismatch("it is an event, which is a method that takes nothing and"
                    + " returns an Iterator, an Iterable or a Stream");
        if (!(type instanceof ParameterizedType whole)
                || !(whole.getActualTypeArguments()[0] instanceof Class<?> one))
            throw RhodesError.mismatch("%s does not say which class its events have",
                    type.getTypeName());
        return MethodType.methodType(one).unwrap().returnType();
    }

    private static Iterator<?> iterator(Object many) {
        return many instanceof Iterator<?> iterator ? iterator
                : many instanceof Iterable<?> iterable ? iterable.iterator()
                : ((BaseStream<?, ?>) many).iterator();
    }

    private void next(Frame frame) throws Throwable {
        if (events == null)
            events = iterator((Object) method.invokeExact());
        if (!events.hasNext())
            throw new Ended();
        puts.invokeExact((Object) events.next(), frame);
    }
}
