package rhodes;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicLong;

/** An object that stays in the callee.  close() destroys it there, as does whoever collects a
 *  handle that nobody has any more; a function that destroys closes it, too. */
public final class Handle implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    /** What the cleaner has of it; 0: gone. */
    private static final class State implements Runnable {
        final Library library;
        final int destructor;     // -1: not ours to destroy
        final AtomicLong pointer;

        State(Library library, int destructor, long pointer) {
            this.library = library;
            this.destructor = destructor;
            this.pointer = new AtomicLong(pointer);
        }

        /** Its pointer, for the last time; 0: it had gone before. */
        long take() {
            long was = pointer.getAndSet(0);
            if (was != 0)
                library.forget(was);
            return was;
        }

        @Override
        public void run() {
            long was = take();
            if (was == 0 || destructor < 0)
                return;
            try {
                library.destroy(destructor, was);
            } catch (RhodesLostError e) {
                return; // it went with its instance
            }
        }
    }

    private final State state;
    private final int type;
    private final Cleaner.Cleanable cleanable;

    /** isOwn: a new object, which nobody else destroys. */
    Handle(Library library, int type, long pointer, boolean isOwn) {
        int destructor = library.offer.handles.get(type).destructor();
        state = new State(library, isOwn ? destructor : -1, pointer);
        this.type = type;
        cleanable = isOwn && destructor >= 0 ? CLEANER.register(this, state) : null;
    }

    /** Its pointer, for a call that takes this type of that library. */
    long use(Library library, int wanted) {
        long pointer = state.pointer.get();
        if (pointer == 0)
            throw new RhodesError(RhodesError.EHANDLE, false, "the handle was closed");
        if (library != state.library || wanted != type)
            throw new RhodesError(RhodesError.EHANDLE, false, "a handle of "
                    + state.library.offer.handles.get(type).name() + " of "
                    + state.library.offer.name + " is of another type");
        return pointer;
    }

    /** A call has destroyed it. */
    void gone() {
        state.take();
        if (cleanable != null)
            cleanable.clean();
    }

    public boolean isClosed() {
        return state.pointer.get() == 0;
    }

    @Override
    public void close() {
        if (cleanable != null)
            cleanable.clean();
        else
            state.take();
    }
}
